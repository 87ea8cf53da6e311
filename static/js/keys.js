// A key presses what carries it, aria-keyshortcuts="n": never while typing, never with a modifier.
const typing = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest(typing) || document.querySelector("dialog[open]:not([popover])")) return;
  const marked = [...document.querySelectorAll(`[aria-keyshortcuts="${CSS.escape(event.key)}"]`)];
  const control = marked.findLast((element) => element.checkVisibility() || element.closest("#side"));
  if (control) event.preventDefault();
  control?.click();
});
