// What every page needs: the reader's time zone, the theme, copy buttons, dialogs, and htmx kept honest.
const root = document.documentElement;
root.classList.add("scripted");
const cookie = (name) => document.cookie.split("; ").find((part) => part.startsWith(name + "="))?.slice(name.length + 1);
const keep = (name, value) => {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax${secure}`;
};

// Times are written by the server, in the zone that this cookie names.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && cookie("zone") !== zone) keep("zone", zone);

// A theme form changes the page at once; without this script it goes to the server and back.
document.addEventListener("submit", (event) => {
  const value = event.submitter?.name === "theme" && event.submitter.value;
  if (!value) return;
  event.preventDefault();
  keep("theme", value);
  root.classList.remove("light", "dark");
  if (value !== "system") root.classList.add(value);
  for (const button of document.querySelectorAll("[name=theme]")) button.setAttribute("aria-pressed", button.value === value);
});

// <button data-copy="#id"> copies that element's value or text; shown where copying is possible.
for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = !navigator.clipboard;
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    const source = document.querySelector(button.dataset.copy);
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  }
  const dismiss = event.target.closest("dialog [data-close]");
  if (dismiss) {
    event.preventDefault();
    dismiss.closest("dialog").close();
  }
  // A click beside an open menu closes it.
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// htmx: the newest proof of origin (signing in elsewhere changes it), and the button that was pressed.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.verb === "get") return;
  detail.headers["X-CSRFToken"] = cookie("csrftoken") ?? "";
  delete detail.parameters.csrfmiddlewaretoken;
  const button = detail.triggeringEvent?.submitter;
  if (button?.name) detail.parameters[button.name] = button.value;
});

const say = (text) => document.dispatchEvent(new CustomEvent("toast", { detail: text }));
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  // A refusal that brings its own toast shows that alone.
  if (detail.xhr.status >= 400 && detail.xhr.response.includes('hx-swap-oob="beforeend:#toasts"')) {
    detail.shouldSwap = true;
    detail.swapOverride = "none";
  }
});
document.addEventListener("htmx:responseError", ({ detail }) => {
  if (!detail.xhr.response.includes("#toasts")) say(`The server refused (${detail.xhr.status}). Reload the page and try again.`);
});
for (const failure of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failure, () => say("The server can’t be reached. Check the connection and try again."));
}

// What arrives in the dialog is shown; the dialog closes once its form has done its work.
document.addEventListener("htmx:afterSwap", ({ target }) => {
  if (target.id === "dialog" && !target.open) target.showModal();
});
document.addEventListener("htmx:afterRequest", ({ target, detail }) => {
  if (detail.successful && detail.requestConfig.verb !== "get") target.closest("dialog")?.close();
});
