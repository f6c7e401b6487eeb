// Faults: everything that can go wrong around the backend, as switches; each says what should happen.

import { post } from "./api.js";
import { $, h, icon, toast } from "./dom.js";
import { apiFaults, faultLine, removeFault } from "./api_faults.js";
import { paymentFaults, paymentSection, startPaymentFaults } from "./payment_faults.js";
import { on, store, emit } from "./store.js";

const AI = [
  ["ok", "Normal", "Answers at once."],
  ["slow", "Slow", "The chat keeps showing “typing…”. The answer comes before Telegram’s 60-second timeout."],
  ["error_429", "Too many requests", "Retried once if time allows, then the user reads a short apology. The request isn’t counted."],
  ["error_500", "Error 500", "Retried once, then the user reads a short apology. The request isn’t counted."],
  ["cut", "Cut off", "The stream breaks halfway. The user sees that the answer is incomplete."],
  ["empty", "Empty answer", "The model returns nothing. The user reads a short apology, and the request isn’t counted."],
  ["error_in_200", "Error in a 200", "The status is 200 but the body is an error. The body is believed."],
  ["refusal", "Refuses", "The model declines to answer. The user is told, nothing is retried, and the request isn’t counted."],
  ["long", "Very long answer", "More than 4,096 characters: split between words into several messages, with formatting intact."],
  ["down", "Down", "Connections close without an answer. The user gets an apology quickly, and the request counts: the provider may have worked on it."],
];

const ONCE = [
  ["lose_response", "Lose the next response", "The work is done, but Telegram never gets the response and sends the update again. The stored answer is returned; nothing runs twice."],
  ["deliver_twice", "Deliver the next update twice", "Two copies arrive at once. One does the work, the other gets 503 and comes back later. The user gets one answer."],
  ["forge", "Forge the next update", "A stranger sends it first with the wrong secret and gets 401. Nothing is stored, and the real update goes through."],
];

const NAMES = {
  database_down: "Database is down", hold: "Deliveries are on hold",
  lose_response: "Next response will be lost", deliver_twice: "Next update will arrive twice", forge: "A forged update will come first",
};

const set = (name, value) => post("/api/switches", { name, value }).catch(() => renderFaults());

function active() {
  const list = Object.keys(NAMES).filter((name) => store.switches[name]).map((name) => [name, NAMES[name]]);
  const ai = AI.find(([value]) => value === store.switches.ai);
  return ai && ai[0] !== "ok" ? [...list, ["ai", aiWords(ai)]] : list;
}

const aiWords = ([, title]) => `AI: ${title.toLowerCase()}`;

/** Describes a changed switch, {name, value} in the trace, as the panel does. */
export function faultWords({ name, value }) {
  const ai = name === "ai" && AI.find(([one]) => one === value);
  if (ai) return aiWords(ai);
  return NAMES[name] && (value ? NAMES[name] : `${NAMES[name]}: off`);
}

const calm = (name) => set(name, name === "ai" ? "ok" : typeof store.switches[name] === "boolean" ? false : 0);

function toggle(name, title, note, value = store.switches[name]) {
  const on_ = Boolean(value);
  return h("button", {
    type: "button", role: "switch", class: "switch", id: `fault-${name}`, "aria-checked": String(on_),
    "aria-describedby": `about-${name}`, "aria-labelledby": `name-${name}`,
    onclick: () => set(name, typeof store.switches[name] === "number" ? Number(!on_) : !on_),
  }, h("span", { class: "lever", "aria-hidden": "true" }),
  h("span", { class: "switch-words" }, h("strong", { id: `name-${name}` }, title), h("span", { class: "small", id: `about-${name}` }, note)));
}

/** The choices, and under them what to expect of the chosen one, or of the one pointed at. */
function ai() {
  const chosen = (AI.find(([value]) => value === store.switches.ai) ?? AI[0])[2];
  const note = h("p", { class: "small note", role: "status" }, chosen);
  const choices = AI.map(([value, title, about]) => h("label", {
    class: "ai-choice",
    onpointerenter: () => note.replaceChildren(about),
    onpointerleave: () => note.replaceChildren(chosen),
  }, h("input", { type: "radio", name: "ai", value, "aria-description": about, checked: store.switches.ai === value, onchange: () => set("ai", value) }),
  h("span", {}, title)));
  return [h("div", { class: "ai", role: "radiogroup", "aria-label": "AI behavior" }, choices), note];
}

async function runJob(name) {
  const answer = await post(`/api/jobs/${name}`);
  const about = answer.body ? ` ${JSON.stringify(answer.body)}` : "";
  toast(`${name} returned ${answer.status ?? "200"}.${about}`.slice(0, 200));
}

/** A cron schedule in words, where it is a simple one. */
function when(schedule) {
  const minutes = schedule.match(/^\*(?:\/(\d+))? \* \* \* \*$/);
  const hourly = schedule.match(/^(\d{1,2}) \* \* \* \*$/);
  if (hourly) return `every hour at :${hourly[1].padStart(2, "0")}`;
  if (!minutes) return `on schedule ${schedule}`;
  return minutes[1] ? `every ${minutes[1]} minutes` : "every minute";
}

function jobs() {
  return store.jobs.map(({ name, about, schedule }) => {
    const button = h("button", {
      type: "button", class: "secondary", "aria-label": `Run ${name} now`,
      onclick: async () => {
        button.disabled = true;
        await runJob(name).catch(() => {});
        button.disabled = false;
      },
    }, "Run now");
    return h("div", { class: "action" },
      h("span", { class: "switch-words" }, h("strong", {}, name), h("span", { class: "small" }, `${about}. Runs ${when(schedule)}.`)), button);
  });
}

const restart = (name) => post("/api/restart", { function: name }).catch(() => {});

function functions() {
  return store.functions.map(({ name, state }) => h("div", { class: "action function" },
    h("span", { class: "switch-words" },
      h("strong", {}, h("span", { class: "lamp", data: { state } }), name),
      h("span", { class: "small" }, state)),
    h("span", { class: "pair" },
      h("button", { type: "button", class: "secondary danger", "aria-label": `Kill ${name}`, onclick: () => post("/api/kill", { function: name }).catch(() => {}) }, "Kill"),
      h("button", { type: "button", class: "secondary", "aria-label": `Restart ${name}`, onclick: () => restart(name) }, "Restart"))));
}

function part(name, title, ...content) {
  return h("section", { class: "part", "aria-label": title }, h("h3", {}, icon(name), title), ...content);
}

/** Redraws the panel and keeps the focus. */
function renderFaults() {
  const place = $("faults");
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  place.replaceChildren(
    h("p", { class: "small lead" }, "Break something, send a message, and watch how the backend handles it."),
    part("database", "Database", toggle("database_down", "Database down", "Retried for three seconds. Then chat and menus work without memory, and anything about money asks the user to try later.")),
    part("spark", "AI", ai()),
    part("send", "Telegram",
      toggle("hold", "Hold deliveries", "Updates queue up, then arrive one by one in the order they were sent."),
      ONCE.map(([name, title, note]) => toggle(name, title, note))),
    part("way", "Bot API", ...apiFaults()),
    "payments" in store.switches ? part("star", "Payment APIs", ...paymentSection()) : "",
    part("function", "Functions",
      h("p", { class: "small" }, "A killed function stays down until you restart it. Then a redelivery or the sweep job finishes its work once."),
      functions()),
    part("clock", "Scheduler", jobs()));
  const again = focused?.id ? $(focused.id) : focused?.value && place.querySelector(`[value="${CSS.escape(focused.value)}"]`);
  if (again) again.focus();
  renderWarning();
}

/** Lists active faults above the chat, each with its undo, so that they explain what fails. */
function renderWarning() {
  const list = active();
  const payments = paymentFaults();
  const count = list.length + store.apiFaults.length + payments.length;
  $("faults-count").hidden = !count;
  $("faults-count").textContent = String(count);
  document.querySelector('.tabs [data-view="panel"]').toggleAttribute("data-on", count > 0);
  const dead = store.functions.filter(({ state }) => ["stopped", "crashed"].includes(state));
  $("warning").hidden = !count && !dead.length;
  $("warning").replaceChildren(
    ...list.map(([name, words]) => warned(words, "Undo", () => calm(name))),
    ...store.apiFaults.map((fault) => warned(faultLine(fault), "Undo", () => removeFault(fault.id))),
    ...payments.map(([words, undo]) => warned(words, "Undo", undo)),
    ...dead.map(({ name }) => warned(`Function ${name} isn’t running`, "Restart", () => restart(name))));
}

function warned(words, label, run) {
  return h("span", { class: "warned" }, icon("bolt"), words, h("button", { type: "button", class: "in-text", onclick: run }, label));
}

/** The stream carries all of them at every change. */
export function onSwitches(event) {
  store.switches = event;
  emit("switches");
  renderFaults();
}

export function onApiFaults({ faults }) {
  store.apiFaults = faults;
  renderFaults();
}

export function onFunction({ name, state }) {
  const known = store.functions.find((one) => one.name === name);
  if (known) known.state = state;
  else store.functions.push({ name, state });
  renderFaults();
}

export function startFaults() {
  on("state", renderFaults);
  on("payment-faults", renderFaults);
  startPaymentFaults();
}
