// The payment sheet of Telegram Stars: confirm, or choose another outcome.

import { get, post } from "./api.js";
import { openPanel } from "./dialog.js";
import { h, icon } from "./dom.js";
import { total } from "./message.js";
import { address, botOf, store, emit } from "./store.js";

const OUTCOMES = [
  ["close", "Close the sheet", "The bot hears nothing."],
  ["no_stars", "Not enough Stars", "Telegram stops before it asks the bot."],
  ["fail_after_check", "Charge fails", "The bot agrees, then the charge is declined."],
];
const FAILURES = {
  no_stars: "You don’t have enough Stars. The bot wasn’t asked.",
  failed: "The payment failed after the bot agreed. No Stars were taken.",
};

/** Opens the sheet of an invoice, {message_id} or {link}, with what it asks for. */
export async function openStars(which, onbusy) {
  const named = which.link ? { link: which.link } : { message_id: which.message_id };
  const { invoice } = await get("/api/invoice", { ...address(), ...named });
  const price = total(invoice);
  const pay = async (outcome) => {
    close();
    onbusy?.(true);
    await post("/api/pay", { ...address(), ...named, outcome }).catch(() => onbusy?.(false));
  };
  const confirm = h("button", { type: "button", class: "primary", onclick: () => pay("pay") }, `Confirm and pay ${price}`);
  const close = openPanel(invoice.title,
    h("div", { class: "stars-sheet" }, h("span", { class: "round" }, icon("star")), h("p", {}, invoice.description),
      h("p", { class: "stars-price" }, price, invoice.subscription_period ? h("span", { class: "small" }, "every 30 days, until it’s canceled") : null),
      h("p", { class: "small" }, `${botOf(invoice.bot)?.first_name ?? "The bot"} · as ${store.user.first_name}`), confirm),
    h("section", { class: "simulate", "aria-label": "Simulate" }, h("h3", {}, "Simulate"), OUTCOMES.map(([outcome, label, about]) =>
      h("button", { type: "button", class: "simulated", onclick: () => pay(outcome) }, h("strong", {}, label), h("span", { class: "small" }, about)))));
  confirm.focus();
}

/** What the payer reads when a purchase did not work out; a closed sheet says nothing. */
export function sayPurchase({ state, error }) {
  if (state !== "paid" && state !== "closed") emit("alert", FAILURES[state] ?? error);
}
