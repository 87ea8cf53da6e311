// The session page: keeps the reader's place, copies, sends, and remembers what is folded away.
const scroller = document.querySelector("#scroll, .scroll");
const said = document.querySelector("#said");

// What only works with a script appears: copy buttons, and the Mac's name of a key.
const copyButton = document.querySelector("template#copy");
const isMac = /Mac|iP/.test(navigator.platform);
function enhance(root) {
  for (const element of root.querySelectorAll(".script[hidden]")) element.hidden = false;
  if (isMac) for (const key of root.querySelectorAll(".composer kbd")) key.textContent = "⌘ ↵";
  for (const caption of root.querySelectorAll("figure.code > figcaption:not(:has(button))")) {
    caption.append(copyButton.content.cloneNode(true));
  }
}
enhance(document);
document.addEventListener("htmx:load", ({ detail }) => enhance(detail.elt));

// Over plain HTTP browsers have no clipboard for scripts, but they copy a selection.
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = Object.assign(document.createElement("textarea"), { value: text });
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

async function textFor(button) {
  const { clip, fetch: address } = button.dataset;
  if (!address) return (clip ? document.querySelector(clip) : button.closest("figure").querySelector("pre")).textContent;
  const answer = await fetch(address);
  if (!answer.ok || answer.redirected) throw new Error("refused");
  return answer.text();
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest(".copy, [data-clip], [data-fetch]");
  if (!button) return;
  try {
    await copy(await textFor(button));
  } catch {
    document.dispatchEvent(new CustomEvent("toast", { detail: "That couldn’t be copied. Reload the page and try again." }));
    return;
  }
  button.classList.add("copied");
  if (said) said.textContent = "Copied";
  setTimeout(() => button.classList.remove("copied"), 2000);
});

// Messages that arrive above or below don't move what one is reading.
let mark = null;
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (!["earlier", "later"].includes(detail.target.id)) return;
  const top = scroller.getBoundingClientRect().top;
  const element = [...scroller.querySelectorAll(".msg")].find((message) => message.getBoundingClientRect().bottom > top);
  mark = element && { element, top: element.getBoundingClientRect().top };
});
document.addEventListener("htmx:afterSwap", () => {
  if (mark) scroller.scrollTop += mark.element.getBoundingClientRect().top - mark.top;
  mark = null;
});
document.addEventListener("htmx:oobAfterSwap", ({ detail }) => {
  if (detail.target.id === "transcript") scroller.scrollTop = 0; // the end: the column is laid out from below
});

// A link to a message opens at it, loaded or not.
const at = new URLSearchParams(location.search).get("at");
const wanted = /^#m-\d+$/.test(location.hash) ? location.hash : at && `#m-${parseInt(at, 10)}`;
const found = wanted && document.querySelector(wanted);
if (found && !location.hash) found.scrollIntoView();
if (wanted && !found && !at) location.replace(`?at=${wanted.slice(3)}${wanted}`);

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (key === "Enter" && (event.ctrlKey || event.metaKey) && target.matches("textarea")) target.form.requestSubmit();
  // Escape leaves an edit, unless that would throw something away.
  if (key === "Escape" && (target.matches("input") || target.value === target.defaultValue)) {
    target.closest("form")?.querySelector("[data-cancel]")?.click();
  }
});

// What is folded away stays so: the server reads the cookie, so that nothing flickers.
function remember(name, isFolded) {
  const names = new Set(/(?:^|; )folded=([^;]*)/.exec(document.cookie)?.[1].split(".").filter(Boolean));
  names[isFolded ? "add" : "delete"](name);
  document.cookie = `folded=${[...names].join(".")}; path=/; max-age=31536000; samesite=lax`;
}
document.addEventListener("toggle", ({ target }) => {
  if (target.dataset.fold) remember(target.dataset.fold, !target.open);
}, true);
const fold = document.querySelector(".fold-panel");
if (fold) {
  fold.hidden = false;
  fold.addEventListener("click", () => {
    const isFolded = document.querySelector(".app").classList.toggle("folded");
    fold.setAttribute("aria-expanded", !isFolded);
    remember("panel", isFolded);
  });
}
