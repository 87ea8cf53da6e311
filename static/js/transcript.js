// The session page: a link opens at its message, and what is folded stays so.
const [, index] = location.hash.match(/^#m-(\d+)$/) ?? [];
const opened = one(index ? location.hash : ".msg:has([autofocus])");
opened?.scrollIntoView();
if (index && !opened && !location.search) location.replace(`?at=${index}${location.hash}`);

on("htmx:oobAfterSwap", ({ target }) => target.id === "transcript" && one(".scroll").scrollTo(0, 0));

// The server reads what is folded away, so that nothing flickers.
on("toggle", ({ target: { dataset, open } }) => {
  if (!dataset.fold) return;
  const names = new Set(cookie("folded")?.split("."));
  names[open ? "delete" : "add"](dataset.fold);
  keep("folded", [...names].join("."));
}, true);
