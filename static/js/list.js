// The list of sessions under the keyboard: moving, selecting, and what keys do to the row in focus.
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const act = document.getElementById("act");
const rowOf = (element) => element?.closest?.(".row");
const current = () => rowOf(document.activeElement);
const focusRow = (row) => row?.querySelector(".name").focus();
const KEYS = {
  e: ".i-pencil",
  p: "[name=pin], [name=unpin]",
  a: "[name=archive], [name=restore]",
  "#": "[name=trash], a.i-trash",
};

function move(step) {
  const rows = all(".row");
  const from = rows.indexOf(current());
  const to = rows[from < 0 ? 0 : Math.min(Math.max(from + step, 0), rows.length - 1)];
  focusRow(to);
  to?.scrollIntoView({ block: "nearest" });
}

// Selecting: the bar says how many; Shift takes all between; Escape lets go.
let anchor = null;
function picked() {
  const chosen = all(".pick:checked").length;
  act.querySelector(".picked").textContent = `${chosen.toLocaleString("en-GB")} selected`;
  const every = act.querySelector(".pick-all");
  every.checked = chosen > 0 && chosen === all(".pick").length;
  every.indeterminate = chosen > 0 && !every.checked;
}
function pick(boxes, checked) {
  for (const box of boxes) box.checked = checked;
  picked();
}
document.addEventListener("click", ({ target, shiftKey }) => {
  if (target.matches(".unpick")) pick(all(".pick"), false);
  if (!target.matches(".pick")) return;
  const boxes = all(".pick");
  const [from, to] = [boxes.indexOf(anchor), boxes.indexOf(target)].sort((a, b) => a - b);
  if (shiftKey && from >= 0) pick(boxes.slice(from, to + 1), target.checked);
  anchor = target;
});
document.addEventListener("change", ({ target }) => {
  if (target.matches(".pick-all")) pick(all(".pick"), target.checked);
  else if (target.matches(".pick")) picked();
});

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open], [popover]:popover-open")) return;
  const form = target.closest(".rename");
  if (form) {
    if (key !== "Escape") return;
    const row = rowOf(form);
    form.remove();
    focusRow(row);
  } else if (target.closest("input:not([type=checkbox]), textarea, select")) return;
  else if (key === "j" || key === "k") move(key === "j" ? 1 : -1);
  else if (key === "x" && current()) current().querySelector(".pick").click();
  else if (key === "Escape" && all(".pick:checked").length) pick(all(".pick"), false);
  else if (KEYS[key] && current()) current().querySelector(KEYS[key])?.click();
  else return;
  event.preventDefault();
});

// After a change the focus stays where it was, or goes to the next row that is left.
let before = null;
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (detail.requestConfig.verb === "get") return;
  const row = current();
  const rest = row ? [row, ...following(row)].map(({ id }) => id) : [];
  before = { rest, picks: all(".pick:checked").map(({ value }) => value), bulk: detail.requestConfig.parameters.bulk };
});
function inView(row) {
  const { top, bottom } = row.getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight;
}
function* following(row) {
  const rows = all(".row");
  const at = rows.indexOf(row);
  yield* rows.slice(at + 1);
  yield* rows.slice(0, at).reverse();
}
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.verb !== "get") detail.parameters.shown = all(".row").length;
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (!before || detail.requestConfig.verb === "get" || !detail.successful) return;
  const { rest, picks, bulk } = before;
  before = null;
  if (bulk) anchor = null;
  else for (const value of picks) document.querySelector(`.pick[value="${value}"]`)?.toggleAttribute("checked", true);
  picked();
  if (!document.activeElement || document.activeElement === document.body) {
    const left = rest.map((id) => document.getElementById(id)).filter(Boolean);
    focusRow(left.find(inView) ?? left[0] ?? document.querySelector(".row"));
  }
});
document.addEventListener("htmx:load", ({ target }) => {
  if (target.matches?.(".rename")) target.querySelector("input").select();
});

picked(); // the browser may have kept ticks over a reload
