// On every page: the reader's time zone and place, copying, dialogs, htmx kept honest; and what the other scripts use.
const on = (type, act, first) => document.addEventListener(type, act, first);
const one = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const place = (element) => element.getBoundingClientRect();
const cookie = (name) => document.cookie.match(`(?:^|; )${name}=([^;]*)`)?.[1];
const keep = (name, value) => (document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax`);

document.documentElement.classList.add("scripted");
keep("zone", Intl.DateTimeFormat().resolvedOptions().timeZone ?? ""); // the server writes times in it

// <button class="copy" data-of="#field">; in a figure for its code.
on("click", async ({ target }) => {
  const button = target.closest(".copy");
  if (!button) return;
  const source = one(button.dataset.of) ?? button.closest("figure").querySelector("code");
  const text = source.value ?? source.textContent;
  if (navigator.clipboard) await navigator.clipboard.writeText(text);
  else {
    const field = document.createElement("textarea"); // over plain HTTP scripts may copy a selection alone
    field.value = text;
    button.after(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  button.classList.add("copied");
  one("#said").textContent = "Copied";
});

// The newest proof of origin, which signing in elsewhere changes, and the button that was pressed.
on("htmx:configRequest", ({ detail: { verb, parameters, triggeringEvent } }) => {
  if (verb === "get") return;
  parameters.csrfmiddlewaretoken = cookie("csrftoken");
  const { name, value } = triggeringEvent?.submitter ?? {};
  if (name) parameters[name] = value;
});

// A refusal brings its own toast and is never painted (htmx-config); without one, say at least that it happened.
const say = (text) => one("#toasts").insertAdjacentHTML("beforeend", `<p class="toast bad"><span>${text}</span></p>`);
on("htmx:responseError", ({ detail: { xhr } }) => {
  if (!xhr.response.includes("#toasts")) say(`The server refused (${xhr.status}). Reload the page and try again.`);
});
on("htmx:sendError", () => say("The server can’t be reached. Check the connection and try again."));

// What arrives above or below what one reads moves nothing.
let mark, y;
on("htmx:beforeSwap", ({ target }) => {
  mark = target.matches(".more") && all(".msg").find((message) => place(message).bottom > 60);
  if (mark) y = place(mark).y;
});
on("htmx:afterSwap", ({ target }) => {
  if (target.matches("#dialog:not([open]):has(*)")) target.showModal();
  if (mark) one(".scroll").scrollBy(0, place(mark).y - y);
});
