const picked = () => all(".pick:checked");
const current = () => document.activeElement.closest(".row");
const goTo = (row) => row?.querySelector(".name").focus();

// The tools go from row to row.
const tools = one("#tools").content.firstElementChild;
function equip(row) {
  if (!row || row === tools.parentElement || tools.contains(document.activeElement)) return;
  for (const button of tools.children) button.value = row.querySelector(".pick").value;
  row.append(tools);
}
on("pointerover focusin", ({ target }) => equip(target.closest(".row")));

// Shift selects all between, Escape none.
let anchor;
function pick(boxes, checked) {
  for (const box of boxes) box.checked = checked;
  one(".picked").textContent = `${picked().length} selected`;
  one(".pick-all").checked = picked().length === all(".pick").length;
}
on("click", ({ target, shiftKey }) => {
  if (target.matches(".pick-all, .unpick")) pick(all(".pick"), target.checked);
  if (!target.matches(".pick")) return;
  const boxes = all(".pick");
  const ends = [boxes.indexOf(target), boxes.indexOf(shiftKey && anchor?.isConnected ? anchor : target)];
  pick(boxes.slice(Math.min(...ends), Math.max(...ends) + 1), target.checked);
  anchor = target;
});
on("keydown", ({ key, target }) => {
  const row = current();
  equip(row);
  if (key !== "Escape") return;
  const form = target.closest(".rename");
  form?.remove();
  if (form) goTo(row);
  else if (!target.closest("dialog, [popover]")) pick(picked(), false);
}, true);

// A change keeps selection and focus.
let kept = [];
on("htmx:configRequest", ({ detail: { parameters } }) => (parameters.shown = all(".row").length));
on("htmx:beforeSwap", ({ detail: { xhr, requestConfig } }) => {
  if (xhr.status === 200 && !current()?.contains(one(".rename"))) goTo(current());
  kept = requestConfig.parameters.bulk ? [] : picked().map(({ value }) => value);
});
on("htmx:oobBeforeSwap", ({ target }) => {
  for (const by of [1, -1]) if (target === current()) step(by);
});
on("htmx:afterRequest", () => pick(all(".pick").filter(({ value }) => kept.includes(value)), true));

pick([]); // ticks outlive a reload
