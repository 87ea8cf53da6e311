// Single keys press what carries them: aria-keyshortcuts="n". Never while typing, never with a modifier.
const TYPING = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest(TYPING) || document.querySelector("dialog[open]")) return;
  // The last one is the newest toast; what isn't shown can't be pressed.
  const marked = [...document.querySelectorAll(`[aria-keyshortcuts="${CSS.escape(event.key)}"]`)];
  const control = marked.reverse().find((element) => element.checkVisibility() || element.closest("#side"));
  if (!control) return;
  event.preventDefault();
  control.click();
});
