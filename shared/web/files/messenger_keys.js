// Shortcuts of the messenger. They are off while a field has the focus.

export function listenToKeys(live, form, talks, replies) {
  const help = document.getElementById("keys");

  function step(by) {
    const links = [...talks.querySelectorAll(".talk a")];
    const here = links.findIndex((one) => one === document.activeElement || one.hasAttribute("aria-current"));
    const next = links[here < 0 ? 0 : here + by];
    if (next && form) next.click();
    else next?.focus();
  }

  function write(mode) {
    form.elements.mode.value = mode;
    form.elements.body.focus();
  }

  const keys = {
    j: () => step(1),
    k: () => step(-1),
    r: () => form && write("reply"),
    n: () => form && write("note"),
    a: () => document.querySelector("[data-key=a]")?.click(),
    e: () => document.querySelector("[data-key=e]")?.click(),
    s: () => {
      const menu = document.getElementById("more-actions");
      if (!menu) return;
      menu.open = true;
      document.getElementById("how_long").focus();
    },
    "/": () => {
      if (!form) return document.getElementById("q").focus();
      write("reply");
      const { body } = form.elements;
      if (!body.value) {
        body.value = "/";
        replies.choose();
      }
    },
    "?": () => help.showModal(),
  };

  function press(event) {
    if (!live.isConnected) return document.removeEventListener("keydown", press);
    const key = event.key.toLowerCase();
    const isTyping = event.target.closest("input:not([type=radio]), textarea, select, dialog");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, key)) return;
    event.preventDefault();
    keys[key]();
  }
  document.addEventListener("keydown", press);

  const button = document.getElementById("help");
  button.hidden = false;
  button.addEventListener("click", () => help.showModal());
}
