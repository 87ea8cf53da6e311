// A key presses what carries it; in a list, of the row with the focus.
on("keydown", (event) => {
  const { key, target } = event;
  const modified = event.ctrlKey || event.metaKey;
  if (event.defaultPrevented || event.altKey || event.isComposing) return;
  if (key === "Enter" && modified) target.form?.requestSubmit();
  // Escape leaves an unchanged form.
  if (key === "Escape" && (target.matches("input") || target.value === target.defaultValue)) {
    target.closest("form")?.querySelector(".cancel")?.click();
  }
  if (target.id === "find") choose(event);
  const typing = target.closest("input:not([type=checkbox], [type=radio]), textarea, select");
  if ((typing && !modified) || one("dialog[open], a.htmx-request")) return;
  const name = modified ? `Control+${key.toUpperCase()}` : key;
  const by = { j: 1, k: -1 }[name];
  if (by) step(by);
  const marked = all(`[aria-keyshortcuts="${CSS.escape(name)}"]`);
  const shown = marked.findLast((found) => found.checkVisibility() && !found.closest(".row:not(:focus-within)"));
  (shown ?? marked.find((found) => found.closest("#side")))?.click();
  if (marked.length) event.preventDefault();
});

// To the next session or turn, from the focus or what is in view.
function step(by) {
  const stops = all(".row .name, .msg.user .permalink");
  const at = stops.findIndex((stop) => stop.closest(".row, .msg").contains(document.activeElement));
  const inView = stops.findIndex((stop) => place(stop).y > 60);
  stops[at < 0 ? inView - (by < 0) : at + by]?.focus();
}

// The palette: arrows choose, Enter does it.
function choose(event) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const chosen = one("#choice");
  if (event.key === "Enter") chosen.click();
  else if (!by) return;
  event.preventDefault();
  const options = all("[role=option]");
  const next = options.at((options.indexOf(chosen) + (by ?? 0)) % options.length);
  chosen.ariaSelected = chosen.id = "";
  next.ariaSelected = true;
  next.id = "choice";
  next.scrollIntoView({ block: "nearest" });
}
