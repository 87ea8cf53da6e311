// A link opens at its message, loaded or not.
const { hash, search } = location;
if (/^#m-\d+$/.test(hash) && !one(hash) && !search) location.replace(`?at=${hash.slice(3)}${hash}`);
if (!hash) one("[autofocus]")?.scrollIntoView();

// New messages are counted.
const fresh = one("#fresh");
let known;
function count() {
  const { value } = one("#count");
  if (follows()) known = value;
  const more = value - (known ??= value);
  fresh.hidden = more < 1;
  fresh.textContent = `${more} new message${more > 1 ? "s" : ""}`;
}
if (fresh) {
  for (const type of ["load", "scroll", "htmx:afterSwap"]) addEventListener(type, count, true);
  on("live", () => box().scrollTo(0, 0));
}

// The server knows what is folded.
on("toggle", ({ target: { dataset, open } }) => {
  if (!dataset.fold) return;
  const names = new Set(cookie("folded")?.split("."));
  names[open ? "delete" : "add"](dataset.fold);
  keep("folded", [...names].join("."));
}, true);
