// Canned replies: a text that begins with "/" opens their list, as does the key "/".

export function offerReplies(form, changed) {
  const body = form.elements.body;
  const canned = document.getElementById("canned");
  const choices = document.createElement("ul");
  choices.className = "choices";
  choices.id = "choices";
  choices.setAttribute("role", "listbox");

  function found() {
    const typed = /^\/([a-z0-9_-]*)$/i.exec(body.value);
    if (!typed || !canned) return [];
    return [...canned.options].filter((one) => one.dataset.name.includes(typed[1].toLowerCase())).slice(0, 8);
  }

  function choose() {
    choices.remove();
    choices.replaceChildren(...found().map(choice));
    const first = choices.firstElementChild;
    if (!first) return body.removeAttribute("aria-activedescendant");
    choices.setAttribute("aria-label", canned.labels[0].textContent);
    form.append(choices);
    mark(first);
  }

  function choice(option) {
    const one = document.createElement("li");
    one.setAttribute("role", "option");
    one.setAttribute("aria-selected", "false");
    one.id = `choice-${option.value}`;
    one.textContent = option.textContent;
    one.addEventListener("mousedown", (event) => {
      event.preventDefault();
      insert(option);
    });
    return one;
  }

  function mark(one) {
    choices.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
    one.setAttribute("aria-selected", "true");
    one.scrollIntoView({ block: "nearest" });
    body.setAttribute("aria-activedescendant", one.id);
  }

  function insert(option) {
    body.value = option.dataset.words;
    form.elements.canned.value = option.value;
    const chosen = document.getElementById("chosen");
    chosen.hidden = false;
    chosen.querySelector("bdi").textContent = `/${option.dataset.name}`;
    changed();
  }

  // Whether a key was meant for the list.
  function takes(event) {
    const now = choices.querySelector("[aria-selected=true]");
    if (!choices.isConnected || !now || event.ctrlKey || event.metaKey) return false;
    if (event.key === "Enter" || event.key === "Tab") {
      insert([...canned.options].find((one) => `choice-${one.value}` === now.id));
    } else if (event.key === "Escape") {
      choices.remove();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const next = event.key === "ArrowDown" ? now.nextElementSibling : now.previousElementSibling;
      if (next) mark(next);
    } else {
      return false;
    }
    event.preventDefault();
    return true;
  }

  return { choose, takes };
}
