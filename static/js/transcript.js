// A link opens at its message, also if the page came in pieces.
const { hash, search } = location;
if (/^#m-\d+$/.test(hash) && !one(hash) && !search) location.replace(`?at=${hash.slice(3)}${hash}`);
if (!hash) one("[autofocus]")?.scrollIntoView();

// New messages are counted; one's own are gone to.
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

// The server reads what is folded away, so that nothing flickers.
on("toggle", ({ target: { dataset, open } }) => {
  if (!dataset.fold) return;
  const names = new Set(cookie("folded")?.split("."));
  names[open ? "delete" : "add"](dataset.fold);
  keep("folded", [...names].join("."));
}, true);
