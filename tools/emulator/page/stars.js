// The payment sheet of Telegram Stars: confirm, or choose another outcome.

import { post } from "./api.js";
import { openPanel } from "./dialog.js";
import { h, icon } from "./dom.js";
import { address, botOf, store, tell } from "./store.js";

const OUTCOMES = [
  ["close", "Close the sheet", "The bot hears nothing."],
  ["no_stars", "Not enough Stars", "Telegram stops before it asks the bot."],
  ["fail_after_check", "Charge fails", "The bot agrees, then the charge is declined."],
];
const FAILURES = {
  no_stars: "You don’t have enough Stars. The bot wasn’t asked.",
  failed: "The payment failed after the bot agreed. No Stars were taken.",
};

/** Opens the sheet of an invoice: {message_id} or {link}, with what is known of it: {title, description, total}. */
export function openStars({ message_id: message, link, title, description, total }, onbusy) {
  const pay = async (outcome) => {
    close();
    onbusy?.(true);
    await post("/api/pay", { ...address(), ...(link ? { link } : { message_id: message }), outcome }).catch(() => onbusy?.(false));
  };
  const confirm = h("button", { type: "button", class: "primary", onclick: () => pay("pay") }, total ? `Confirm and pay ${total}` : "Confirm and pay");
  const close = openPanel(title ?? "Pay with Stars",
    h("div", { class: "stars-sheet" }, h("span", { class: "round" }, icon("star")),
      h("p", {}, description ?? `An invoice from ${botOf(store.talk.bot)?.first_name ?? "the bot"}.`), confirm),
    h("section", { class: "simulate", "aria-label": "Simulate" }, h("h3", {}, "Simulate"), OUTCOMES.map(([outcome, label, about]) =>
      h("button", { type: "button", class: "simulated", onclick: () => pay(outcome) }, h("strong", {}, label), h("span", { class: "small" }, about)))));
  confirm.focus();
}

/** What the payer reads when a purchase did not work out; a closed sheet says nothing. */
export function sayPurchase({ state, error }) {
  if (state !== "paid" && state !== "closed") tell("alert", FAILURES[state] ?? error);
}
