// On every page: the reader's time zone, copying, dialogs, and htmx kept honest.
const on = (type, act) => document.addEventListener(type, act);
const cookie = (name) => document.cookie.match(`(?:^|; )${name}=([^;]*)`)?.[1];
const say = (detail) => document.dispatchEvent(new CustomEvent("toast", { detail }));
document.documentElement.classList.add("scripted");

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone; // the server writes times in it
if (zone && cookie("zone") !== zone) document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax`;

// <button data-copy="#field">: browsers give the clipboard to scripts over HTTPS alone, but copy a selection anywhere.
on("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  const field = document.querySelector(button.dataset.copy);
  field.select();
  if (navigator.clipboard) await navigator.clipboard.writeText(field.value);
  else document.execCommand("copy");
  button.textContent = "Copied";
});

// The newest proof of origin, which signing in elsewhere changes, and the button that was pressed.
on("htmx:configRequest", ({ detail: { verb, headers, parameters, triggeringEvent } }) => {
  if (verb === "get") return;
  headers["X-CSRFToken"] = cookie("csrftoken") ?? "";
  delete parameters.csrfmiddlewaretoken;
  const { name, value } = triggeringEvent?.submitter ?? {};
  if (name) parameters[name] = value;
});
// A refusal brings its own toast and is never painted (htmx-config); without one, say at least that it happened.
on("htmx:responseError", ({ detail: { xhr } }) => {
  if (!xhr.response.includes("#toasts")) say(`The server refused (${xhr.status}). Reload the page and try again.`);
});
on("htmx:sendError", () => say("The server can’t be reached. Check the connection and try again."));
on("htmx:afterSwap", ({ target }) => target.matches("#dialog:not([open]):has(*)") && target.showModal());
