// The session page: copying, the reader's place, keys, folding.
const on = (type, act, capture) => document.addEventListener(type, act, capture);
const one = (selector) => document.querySelector(selector);

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
    getSelection().selectAllChildren(source); // all that scripts may copy over plain HTTP
    document.execCommand("copy");
  }
  button.classList.add("copied");
  one("#said").textContent = "Copied";
});

// What arrives above or below moves nothing.
let mark, y;
on("htmx:beforeSwap", ({ target }) => {
  const messages = target.matches(".more") ? document.querySelectorAll(".msg") : [];
  mark = [...messages].find((message) => message.getBoundingClientRect().bottom > 60);
  y = mark?.getBoundingClientRect().y;
});
on("htmx:afterSwap", () => mark && one(".scroll").scrollBy(0, mark.getBoundingClientRect().y - y));
on("htmx:oobAfterSwap", ({ target }) => target.id === "transcript" && one(".scroll").scrollTo(0, 0));

// A link opens at its message, on the page or not.
const { hash, search } = location;
const [, index] = hash.match(/^#m-(\d+)$/) ?? [];
const opened = one(index ? hash : ".msg:has([autofocus])");
opened?.scrollIntoView();
if (index && !opened && !search) location.replace(`?at=${index}${hash}`);

on("keydown", ({ key, target, ctrlKey, metaKey }) => {
  if (key === "Enter" && (ctrlKey || metaKey)) target.form?.requestSubmit();
  // Escape leaves a form in which nothing was written.
  if (key === "Escape" && (target.matches("input") || target.value === target.defaultValue)) {
    target.closest("form")?.querySelector(".cancel")?.click();
  }
});

// The server reads what is folded away, so that nothing flickers.
on("toggle", ({ target: { dataset, open } }) => {
  if (!dataset.fold) return;
  const names = new Set(document.cookie.match(/folded=([\w.]*)/)?.[1].split("."));
  names[open ? "delete" : "add"](dataset.fold);
  document.cookie = `folded=${[...names].join(".")}; path=/; max-age=31536000; samesite=lax`;
}, true);
