// Toasts leave by themselves, but never under the pointer or the focus. "toast" events make one.
const box = document.getElementById("toasts");
const SECONDS = { plain: 6, undo: 12 };
const MOST = 3;

function leaveLater(toast) {
  const wait = 1000 * (toast.querySelector("form, a") ? SECONDS.undo : SECONDS.plain);
  setTimeout(() => {
    if (!toast.matches(":hover, :focus-within")) toast.remove();
    else leaveLater(toast);
  }, wait);
}

new MutationObserver((changes) => {
  for (const change of changes) for (const node of change.addedNodes) if (node.classList?.contains("toast")) leaveLater(node);
  while (box.children.length > MOST) box.firstElementChild.remove();
}).observe(box, { childList: true });
for (const toast of box.children) leaveLater(toast);

document.addEventListener("toast", ({ detail }) => {
  const toast = document.createElement("div");
  toast.className = "toast bad";
  toast.append(Object.assign(document.createElement("span"), { textContent: detail }));
  box.append(toast);
});

// An Undo that worked is done with.
box.addEventListener("htmx:afterRequest", ({ target, detail }) => {
  if (detail.successful) target.closest(".toast")?.remove();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented) box.lastElementChild?.remove();
});
