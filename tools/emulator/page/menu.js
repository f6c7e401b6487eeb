// A small menu beside a button: arrow keys move, Enter chooses, Esc gives the focus back.

import { h, icon } from "./dom.js";

let close = () => {};

/** Opens a menu at `anchor`. Items are {icon or mark, label, run}; null ones are left out. */
export function openMenu(anchor, items) {
  close();
  const entries = items.filter(Boolean);
  const buttons = entries.map((item) => h("button", {
    type: "button", role: "menuitem", tabindex: -1,
    onclick: () => {
      close(true);
      item.run();
    },
  }, item.mark ? h("span", { class: "mark-text", "aria-hidden": "true" }, item.mark) : icon(item.icon), item.label));
  const menu = h("div", { class: "menu", role: "menu", onkeydown: (event) => onkey(event, buttons) }, buttons);
  const dismiss = (event) => {
    if (!menu.contains(event.target) && !anchor.contains(event.target)) close();
  };
  close = (focus = false) => {
    menu.remove();
    anchor.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", dismiss);
    if (focus) anchor.focus();
    close = () => {};
  };
  document.body.append(menu);
  place(menu, anchor);
  anchor.setAttribute("aria-expanded", "true");
  document.addEventListener("pointerdown", dismiss);
  buttons[0]?.focus();
}

function onkey(event, buttons) {
  const at = buttons.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (next !== undefined) buttons[(next + buttons.length) % buttons.length].focus();
  else if (event.key === "Escape" || event.key === "Tab") close(true);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** Beside the anchor, above it where there is no room below, never outside the window. */
function place(menu, anchor) {
  const box = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = Math.min(Math.max(8, box.left), innerWidth - width - 8);
  const below = box.bottom + 6;
  const top = below + height > innerHeight - 8 ? Math.max(8, box.top - height - 6) : below;
  menu.style.setProperty("left", `${left}px`);
  menu.style.setProperty("top", `${top}px`);
}
