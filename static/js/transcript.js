// The session page: the reader's place, copying, keys, and what is folded away.
const on = (type, act, capture) => document.addEventListener(type, act, capture);
const one = (selector) => document.querySelector(selector);

// Every piece of code gets a copy button.
function equip(root) {
  for (const caption of root.querySelectorAll("figcaption:not(:has(*))")) caption.append(one("#copy").content.cloneNode(true));
}
equip(document);
on("htmx:load", ({ detail }) => equip(detail.elt));

on("click", async ({ target }) => {
  const button = target.closest(".copy");
  if (!button) return;
  const source = one(button.dataset.of) ?? button.closest("figure").querySelector("code");
  if (navigator.clipboard) await navigator.clipboard.writeText(source.textContent);
  else {
    getSelection().selectAllChildren(source); // over plain HTTP scripts have no clipboard, but a selection can be copied
    document.execCommand("copy");
  }
  button.classList.add("copied");
  one("#said").textContent = "Copied";
});

// What arrives above or below moves nothing; what one adds oneself is shown.
let mark, y;
on("htmx:beforeSwap", ({ target }) => {
  const messages = target.matches(".more") ? document.querySelectorAll(".msg") : [];
  mark = [...messages].find((message) => message.getBoundingClientRect().bottom > 60);
  y = mark?.getBoundingClientRect().y;
});
on("htmx:afterSwap", () => mark && one(".scroll").scrollBy(0, mark.getBoundingClientRect().y - y));
on("htmx:oobAfterSwap", ({ target }) => target.id === "transcript" && one(".scroll").scrollTo(0, 0));

// #m-37 opens at a message that isn't on the page.
const { hash, search } = location;
if (/^#m-\d+$/.test(hash) && !search && !one(hash)) location.replace(`?at=${hash.slice(3)}${hash}`);

on("keydown", ({ key, target, ctrlKey, metaKey }) => {
  if (key === "Enter" && (ctrlKey || metaKey)) target.form?.requestSubmit();
  // Escape leaves a form, unless that threw away what was written.
  if (key === "Escape" && (target.matches("input") || target.value === target.defaultValue)) {
    target.closest("form")?.querySelector(".cancel")?.click();
  }
});

// What is folded away stays so. The server reads the cookie, so nothing flickers.
on("toggle", ({ target: { dataset, open } }) => {
  if (!dataset.fold) return;
  const names = new Set(document.cookie.match(/folded=([\w.]*)/)?.[1].split("."));
  names[open ? "delete" : "add"](dataset.fold);
  document.cookie = `folded=${[...names].join(".")}; path=/; max-age=31536000; samesite=lax`;
}, true);
