// The bots' clock: shown in the chat's head, moved forward in a dialog. Jobs and renewals on the way run in order.

import { get, post } from "./api.js";
import { openPanel } from "./dialog.js";
import { $, h, icon } from "./dom.js";
import { on, store, emit } from "./store.js";

const STEPS = [["hour", "+1 hour"], ["day", "+1 day"], ["week", "+1 week"], ["month", "+1 month"], ["year", "+1 year"]];
const KINDS = { job: "job", renewal: "renewal", failed_renewal: "failed renewal", expired: "expired", ended: "ended" };

const short = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
const full = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZone: "UTC" });

const label = h("span", {});
const button = h("button", { type: "button", class: "clock", id: "clock", "aria-haspopup": "dialog", onclick: () => open() }, icon("clock"), label);
const body = h("div", { class: "clock-body" });

/** The button for the chat's head; it keeps its focus while the head is redrawn. */
export const clockButton = () => button;

const now = () => new Date(Date.now() + (store.clock?.offset ?? 0) * 1000);
const isMoving = () => store.clock?.status === "advancing";

function tick() {
  const words = short.format(now());
  const ahead = store.clock?.offset > 0;
  label.textContent = words;
  button.hidden = !store.clock;
  button.toggleAttribute("data-ahead", ahead);
  button.setAttribute("aria-label", `Clock: ${words} UTC${ahead ? ", moved forward" : ""}`);
  button.title = `The bots’ clock: ${full.format(now())} UTC`;
  const face = $("clock-now");
  if (face) face.textContent = `${full.format(now())} UTC`;
}

/** "3 days ahead of real time", in the largest unit that fits. */
function ahead(seconds) {
  const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
  const [unit, size] = units.find(([, one]) => seconds >= one * 0.99) ?? ["second", 1];
  const count = Math.round(seconds / size);
  return seconds < 1 ? "Real time" : `${count.toLocaleString("en")} ${unit}${count === 1 ? "" : "s"} ahead of real time`;
}

const move = (wish) => post("/api/clock/advance", wish).then(onClock).catch(() => {});

function controls() {
  const disabled = isMoving() || Boolean(store.clock.cannot);
  const one = (words, wish) => h("button", { type: "button", class: "secondary", disabled, onclick: () => move(wish) }, words);
  const next = store.clock.next?.length ? one("To the next event", { to: "next" }) : null;
  return h("div", { class: "chips", role: "group", "aria-label": "Move the clock forward" }, STEPS.map(([period, words]) => one(words, { period })), next);
}

function progress() {
  const { done, target } = store.clock;
  if (!isMoving()) return h("p", { class: "small clock-note" }, store.clock.cannot || "Moves forward only. Jobs, renewals and expiries on the way run in order.");
  return h("div", { class: "clock-note", role: "status" },
    h("progress", { max: 1, value: done ?? 0, "aria-label": "Progress" }), h("p", { class: "small" }, `Moving to ${full.format(new Date(target))} UTC…`));
}

function list(title, items, empty, row) {
  return h("section", {}, h("h3", {}, title), items?.length ? h("ol", { class: "clock-list" }, items.map(row)) : h("p", { class: "small" }, empty));
}

const line = (at, words, end = null) => h("li", {}, h("time", { class: "small", datetime: at }, short.format(new Date(at))), h("span", {}, words), end);

function outcome({ status }) {
  if (status === null || status === undefined) return null;
  return h("span", { class: "pill", data: { tone: status >= 200 && status < 300 ? "good" : "bad" } }, String(status));
}

function render() {
  tick();
  if (!store.clock || !body.isConnected) return;
  const focused = body.contains(document.activeElement) ? document.activeElement.textContent : null;
  body.replaceChildren(
    h("p", { class: "clock-now", id: "clock-now" }, `${full.format(now())} UTC`),
    h("p", { class: "small" }, ahead(store.clock.offset)),
    controls(), progress(),
    list("Up next", store.clock.next?.slice(0, 5), "Nothing is due. Renewals and expiring checkouts show up here.", ({ at, what }) => line(at, what)),
    list("Last move", summary(store.clock.passed ?? []), "The clock hasn’t moved yet.", (one) => line(one.at, one.words, outcome(one))));
  if (focused) [...body.querySelectorAll("button:enabled")].find((one) => one.textContent === focused)?.focus();
}

/** Runs of one job in a row become one line with a count; the newest come first. */
function summary(passed) {
  const lines = [];
  for (const { at, kind, what, status } of passed) {
    const words = kind === "job" ? what : `${KINDS[kind] ?? kind}: ${what}`;
    const same = lines.find((one) => one.key === `${words}/${status}`);
    if (same) Object.assign(same, { at, count: same.count + 1 });
    else lines.push({ key: `${words}/${status}`, at, words, status, count: 1 });
  }
  return lines.reverse().map(({ at, words, status, count }) => ({ at, status, words: count > 1 ? `${words} ×${count}` : words }));
}

async function open() {
  openPanel("Clock", body);
  render();
  onClock(await get("/api/clock").catch(() => store.clock));
}

/** The stream sends the clock at every step of a move and at its end. */
export function onClock(state) {
  const moved = isMoving() && state?.status === "ready";
  store.clock = state;
  render();
  if (moved) emit("clock-moved");
}

export function startClock() {
  on("state", render);
  setInterval(tick, 1000);
  render();
}
