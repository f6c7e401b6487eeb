// What the AI writes for an operator: a draft of the reply, a summary, translations. Only the operator sends it.

export function offerHelp({ live, form, thread, post, report, changed }) {
  const body = form.elements.body;
  const answer = document.getElementById("ai-answer");
  const [title, words] = answer.querySelectorAll("bdi");
  const use = document.getElementById("ai-use");
  live.classList.add("has-ai");

  function show(name, text, isUsable) {
    title.textContent = name;
    words.textContent = text;
    use.hidden = !isUsable;
    answer.hidden = false;
  }

  function write(text) {
    body.value = text;
    changed();
    body.focus();
  }

  async function ask(button, step, values) {
    button.disabled = true;
    report(answer.dataset.works);
    try {
      const response = await post(step, values);
      if (response.headers.get("Content-Type") !== "application/json") return report(live.dataset.lost);
      const found = await response.json();
      report(found.message ?? "");
      return found.outcome === "ready" ? found.text : undefined;
    } catch {
      report(live.dataset.lost);
    } finally {
      button.disabled = false;
    }
  }

  const steps = {
    async draft_reply(button) {
      const text = await ask(button, "draft_reply", {});
      if (text === undefined) return;
      if (body.value.trim()) show(button.textContent, text, true);
      else write(text);
    },
    async summary(button) {
      const text = await ask(button, "summary", {});
      if (text !== undefined) show(button.textContent, text, false);
    },
    async translation(button) {
      const typed = body.value;
      if (!typed.trim()) return body.focus();
      const text = await ask(button, "translation", { text: typed });
      if (text === undefined) return;
      show(answer.dataset.original, typed, true);
      write(text);
    },
  };

  document.getElementById("ai-help").addEventListener("click", ({ target }) => {
    const button = target.closest("button[data-ai]");
    if (!button) return;
    button.closest("details").open = false;
    steps[button.dataset.ai](button);
  });
  use.addEventListener("click", () => {
    answer.hidden = true;
    write(words.textContent);
  });
  document.getElementById("ai-hide").addEventListener("click", () => {
    answer.hidden = true;
    body.focus();
  });
  thread.addEventListener("click", async ({ target }) => {
    const button = target.closest("button[data-translate]");
    if (!button) return;
    const text = await ask(button, "translation", { seq: Number(button.dataset.translate) });
    if (text === undefined) return;
    const shown = document.createElement("p");
    shown.className = "words translated";
    shown.dir = "auto";
    shown.setAttribute("role", "status");
    shown.textContent = text;
    button.closest(".bubble").querySelector(".words").after(shown);
    button.remove();
  });
}
