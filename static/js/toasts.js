// Toasts leave by themselves, but not from under the pointer or the focus. A "toast" event makes one.
const box = document.getElementById("toasts");

function leaveLater(toast) {
  setTimeout(() => {
    if (toast.matches(":hover, :focus-within")) leaveLater(toast);
    else toast.remove();
  }, toast.querySelector("form, a") ? 12000 : 6000);
}
new MutationObserver((changes) => {
  for (const { addedNodes } of changes) for (const node of addedNodes) if (node.matches?.(".toast")) leaveLater(node);
  while (box.childElementCount > 3) box.firstElementChild.remove();
}).observe(box, { childList: true });
[...box.children].forEach(leaveLater);

document.addEventListener("toast", ({ detail }) => {
  box.insertAdjacentHTML("beforeend", '<div class="toast bad"><span></span></div>');
  box.lastElementChild.firstElementChild.textContent = detail;
});
// An Undo that worked is done with.
box.addEventListener("htmx:afterRequest", ({ target, detail }) => detail.successful && target.closest(".toast")?.remove());
