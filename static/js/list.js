// The list of sessions: the tools of a row, selecting, keys, and where the focus goes.
const on = (type, act) => document.addEventListener(type, act);
const all = (selector) => [...document.querySelectorAll(selector)];
const picked = () => all(".pick:checked");
const rowOf = (element) => element?.closest(".row");
const current = () => rowOf(document.activeElement);
const focus = (row) => row?.querySelector(".name").focus();

// One set of tools goes from row to row; without this script the checkboxes and the bar do the same.
const tools = document.getElementById("tools").content.firstElementChild;
function equip(row) {
  if (!row || row === tools.parentElement || tools.contains(document.activeElement)) return;
  for (const button of tools.children) button.value = row.querySelector(".pick").value;
  tools.classList.toggle("pinned", row.matches(":has(.lead.i-pin)"));
  row.append(tools);
}
for (const type of ["pointerover", "focusin"]) on(type, ({ target }) => equip(rowOf(target)));

// Selecting: the bar says how many; Shift takes all between; Escape lets go.
let anchor;
function pick(boxes, checked) {
  for (const box of boxes) box.checked = checked;
  document.querySelector(".picked").textContent = `${picked().length} selected`;
  document.querySelector(".pick-all").checked = picked().length === all(".pick").length;
}
on("click", ({ target, shiftKey }) => {
  if (target.matches(".pick-all, .unpick")) pick(all(".pick"), target.checked);
  if (!target.matches(".pick")) return;
  const boxes = all(".pick");
  const ends = [boxes.indexOf(target), shiftKey && anchor?.isConnected ? boxes.indexOf(anchor) : boxes.indexOf(target)];
  pick(boxes.slice(Math.min(...ends), Math.max(...ends) + 1), target.checked);
  anchor = target;
});

const keys = { e: "[name=rename]", p: "[name$=pin]", a: "[name=archive], [name=restore]", "#": "[name=trash], [name=purge]" };
on("keydown", (event) => {
  const { key, target } = event;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const row = current();
  const form = target.closest(".rename");
  if (form && key === "Escape") {
    form.remove();
    focus(row);
  } else if (target.closest("dialog, input:not([type=checkbox])")) return;
  else if (key === "j" || key === "k") {
    const rows = all(".row");
    focus(rows[row ? rows.indexOf(row) + (key === "j" ? 1 : -1) : 0]);
  } else if (key === "Escape" && picked().length) pick(picked(), false);
  else if (row && key === "x") row.querySelector(".pick").click();
  else if (row && keys[key]) {
    focus(row);
    equip(row);
    [...tools.querySelectorAll(keys[key])].find((button) => button.checkVisibility())?.click();
  } else return;
  event.preventDefault();
});

// After a change the focus stays with its row if that is in view, or goes to the next one left.
let rows = [];
let kept = [];
on("htmx:configRequest", ({ detail: { verb, parameters } }) => {
  if (verb === "get") return;
  rows = all(".row");
  parameters.shown = rows.length;
  const at = rows.indexOf(current());
  rows = at < 0 ? [] : [...rows.slice(at), ...rows.slice(0, at).reverse()];
  kept = parameters.bulk ? [] : picked().map(({ value }) => value);
});
on("htmx:afterRequest", ({ detail }) => {
  if (!detail.successful || detail.requestConfig.verb === "get") return;
  pick(all(".pick").filter(({ value }) => kept.includes(value)), true);
  document.querySelector(".rename input")?.select();
  const left = rows.map(({ id }) => document.getElementById(id)).filter(Boolean);
  const inView = (row) => row.getBoundingClientRect().top >= 0 && row.getBoundingClientRect().bottom <= innerHeight;
  if (!current()) focus(left.find(inView) ?? left[0]);
});

pick([]); // the browser keeps ticks over a reload
