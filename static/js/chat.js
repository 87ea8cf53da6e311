// A model's answer, while it comes.
const asked = one("#asked");
on("htmx:beforeSend", ({ target, detail: { xhr } }) => {
  if (!target.matches(".asks")) return;
  const [question, answer] = asked.querySelectorAll(".body");
  question.textContent = target.content.value;
  answer.textContent = "";
  asked.hidden = false;
  target.content.focus();
  xhr.onprogress = () => {
    const { body } = new DOMParser().parseFromString(xhr.responseText, "text/html");
    answer.textContent = body.firstChild?.textContent;
  };
});
on("htmx:afterRequest htmx:afterSettle", () => (asked.hidden = !one(".asks.htmx-request")));
on("click", ({ target }) => target.matches(".stop") && htmx.trigger(target.form, "htmx:abort"));
