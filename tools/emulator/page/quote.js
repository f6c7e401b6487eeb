// Quoting a part of a message: what is marked in the chat, or chosen in a dialog.

import { openPanel } from "./dialog.js";
import { h } from "./dom.js";
import { emit } from "./store.js";

const wordsOf = (message) => message.text ?? message.caption ?? "";

/** The part of a message that is marked in the chat, or nothing. */
export function markedIn(message, node) {
  const selection = getSelection();
  const inside = node && selection.rangeCount && node.contains(selection.anchorNode) && node.contains(selection.focusNode);
  const words = inside ? selection.toString().trim() : "";
  return words && wordsOf(message).includes(words) ? words : "";
}

/** Shows the text of a message to mark a part of it. */
export function openQuote(message) {
  const field = h("textarea", { class: "quote-field", readonly: true, rows: 6, "aria-label": "Mark the part to quote" });
  field.value = wordsOf(message);
  const button = h("button", {
    type: "button", class: "primary", disabled: true,
    onclick: () => {
      const part = field.value.slice(field.selectionStart, field.selectionEnd).trim();
      close();
      emit("reply", { message, part });
    },
  }, "Quote");
  const check = () => {
    button.disabled = !field.value.slice(field.selectionStart, field.selectionEnd).trim();
  };
  for (const name of ["select", "selectionchange", "keyup", "pointerup"]) field.addEventListener(name, check);
  const close = openPanel("Quote a part", h("p", { class: "small" }, "Mark the words to quote."), field, h("div", { class: "dialog-feet" }, button));
  field.focus();
}
