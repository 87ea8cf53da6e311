// On every page.
const on = (types, act, first) => types.split(" ").forEach((type) => document.addEventListener(type, act, first));
const one = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const place = (element) => element.getBoundingClientRect();
const cookie = (name) => document.cookie.match(`(?:^|; )${name}=([^;]*)`)?.[1];
const keep = (name, value) => (document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax`);

one("html").classList.add("scripted");
keep("zone", Intl.DateTimeFormat().resolvedOptions().timeZone ?? ""); // the server writes times in it

// A .copy copies what it names, its figure's code, or what it leads to.
on("click", async (event) => {
  const button = event.target.closest(".copy");
  if (!button) return;
  if (button.href) event.preventDefault();
  const source = one(button.dataset.of) ?? button.closest("figure")?.querySelector("code");
  const answer = button.href && (await fetch(button.href));
  if (answer?.redirected || answer?.status > 299) return location.reload(); // to sign in
  const text = answer ? await answer.text() : (source.value ?? source.textContent);
  if (navigator.clipboard) await navigator.clipboard.writeText(text);
  else {
    const field = document.createElement("textarea"); // over plain HTTP
    field.value = text;
    button.after(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  button.classList.add("copied");
  one("#said").textContent = "Copied";
});

// The proof of origin, and the button pressed.
on("htmx:configRequest", ({ detail: { verb, parameters, triggeringEvent } }) => {
  if (verb === "get") return;
  parameters.csrfmiddlewaretoken = cookie("csrftoken");
  const { name, value } = triggeringEvent?.submitter ?? {};
  if (name) parameters[name] = value;
});

// A refusal brings a toast.
const say = ({ target }, id) => target.id === "live" || one("#toasts").append(one(id).content.cloneNode(true));
on("htmx:responseError", (event) => event.detail.xhr.response.includes("#toasts") || say(event, "#refused"));
on("htmx:sendError", (event) => say(event, "#unreachable"));
on("htmx:afterRequest", ({ target, detail: { xhr } }) => {
  if (target.id === "live") one("#away").hidden = (xhr.status || 500) < 500;
});
// How much of an upload is sent.
on("htmx:xhr:progress", ({ target, detail: { loaded, total } }) => {
  const bar = target.querySelector(".working progress");
  if (loaded < total) bar?.setAttribute("value", loaded / total);
  else bar?.removeAttribute("value");
});
// Files dropped on .drops go up.
on("dragover dragleave drop", (event) => {
  const form = event.composedPath().find((node) => node.matches?.(".drops"))?.querySelector(".upload");
  const { files, types } = event.dataTransfer;
  if (!form || !types.includes("Files")) return;
  event.preventDefault();
  form.classList.toggle("over", event.type === "dragover");
  if (event.type !== "drop") return;
  form.files.files = files;
  form.requestSubmit();
});
// What nobody sees asks nothing.
on("htmx:beforeRequest", (event) => {
  if (document.hidden && event.target.matches("[hx-trigger^=every]")) event.preventDefault();
});
// What one writes in isn't swapped away.
on("htmx:oobBeforeSwap", ({ detail }) => {
  const writing = ":not(#transcript):has(:is(textarea, input:not(.pick)):focus:not(:placeholder-shown))";
  detail.shouldSwap = !detail.target.matches(writing);
});

// What arrives moves nothing that one reads; at the end one follows.
const box = () => one(".scroll");
const follows = () => Math.abs(box().scrollTop) < 60 && !one("#later");
let ends = [];
on("htmx:beforeSwap", () => {
  const items = box() && !follows() ? all(".msg, .row") : [];
  ends = items.map((item) => [item.id, place(item).bottom]).filter(([, end]) => end > 60).slice(0, 9);
});
on("htmx:afterSwap", ({ target }) => {
  if (target.matches("#dialog:not([open]):has(*)")) target.showModal();
  const moves = ends.flatMap(([id, end]) => (one(`#${id}`) ? place(one(`#${id}`)).bottom - end : []));
  box()?.scrollBy(0, moves.sort((a, b) => Math.abs(a) - Math.abs(b))[0] ?? 0);
});
