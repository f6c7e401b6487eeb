// "Make trouble": everything that can go wrong out there, as switches; each says what should happen, and why.

import { post } from "./api.js";
import { $, h, icon, toast } from "./dom.js";
import { on, store } from "./store.js";

const AI = [
  ["ok", "Well", "Answers at once."],
  ["slow", "Slow", "“typing…” keeps showing; the answer comes before Telegram would ask again at 60 seconds."],
  ["error_429", "Too many requests", "One more try if time allows, then a plain sentence. The request is not counted."],
  ["error_500", "Error 500", "One safe retry, then a plain sentence. The request is not counted."],
  ["cut", "Cut off", "The stream breaks in the middle: half an answer is never passed off as a whole one."],
  ["empty", "Empty answer", "Nothing came back. The person is told so and pays nothing."],
  ["error_in_200", "Error in a 200", "The status says fine and the body says no: the body is believed."],
  ["refusal", "Refuses", "The model declines. The person is told so; nothing is retried, and the request is not counted."],
  ["long", "Very long answer", "More than 4096 characters: cut between words into several messages, no formatting broken."],
  ["down", "Down", "Nobody listens there. A plain sentence quickly; the request is not counted."],
];

const ONCE = [
  ["lose_response", "Lose the next response", "The work is done but Telegram never hears of it and asks again: the stored answer is given, nothing runs twice."],
  ["deliver_twice", "Deliver the next update twice", "Both arrive at the same moment: one does the work, the other is told to wait. One answer."],
  ["forge", "Forge the secret", "A stranger posts first, with the wrong secret: 401, nothing stored. The real one goes through."],
];

const NAMES = {
  database_down: "The database is down", hold: "Deliveries are held",
  lose_response: "The next response will be lost", deliver_twice: "The next update comes twice", forge: "A forged update comes first",
};

const set = (name, value) => post("/api/trouble", { name, value }).catch(() => renderTrouble());

function active() {
  const list = Object.keys(NAMES).filter((name) => store.troubles[name]).map((name) => [name, NAMES[name]]);
  const ai = AI.find(([value]) => value === store.troubles.ai);
  return ai && ai[0] !== "ok" ? [...list, ["ai", aiWords(ai)]] : list;
}

const aiWords = ([, title]) => `The AI: ${title.toLowerCase()}`;

/** A switch that was moved, in the words of the panel: the trace shows it as {name, value}. */
export function troubleWords({ name, value }) {
  const ai = name === "ai" && AI.find(([one]) => one === value);
  if (ai) return aiWords(ai);
  return NAMES[name] && (value ? NAMES[name] : `${NAMES[name]}: undone`);
}

const calm = (name) => set(name, name === "ai" ? "ok" : typeof store.troubles[name] === "boolean" ? false : 0);

function toggle(name, title, note, value = store.troubles[name]) {
  const on_ = Boolean(value);
  return h("button", {
    type: "button", role: "switch", class: "switch", id: `trouble-${name}`, "aria-checked": String(on_),
    "aria-describedby": `about-${name}`, "aria-labelledby": `name-${name}`,
    onclick: () => set(name, typeof store.troubles[name] === "number" ? Number(!on_) : !on_),
  }, h("span", { class: "lever", "aria-hidden": "true" }),
  h("span", { class: "switch-words" }, h("strong", { id: `name-${name}` }, title), h("span", { class: "small", id: `about-${name}` }, note)));
}

/** The choices, and under them what the chosen one, or the one pointed at, should lead to. */
function ai() {
  const chosen = (AI.find(([value]) => value === store.troubles.ai) ?? AI[0])[2];
  const note = h("p", { class: "small note", role: "status" }, chosen);
  const choices = AI.map(([value, title, about]) => h("label", {
    class: "ai-choice",
    onpointerenter: () => note.replaceChildren(about),
    onpointerleave: () => note.replaceChildren(chosen),
  }, h("input", { type: "radio", name: "ai", value, "aria-description": about, checked: store.troubles.ai === value, onchange: () => set("ai", value) }),
  h("span", {}, title)));
  return [h("div", { class: "ai", role: "radiogroup", "aria-label": "How the AI behaves" }, choices), note];
}

async function runJob(name) {
  const answer = await post(`/api/jobs/${name}`);
  const about = answer.body ? ` ${JSON.stringify(answer.body)}` : "";
  toast(`The job ${name} answered ${answer.status ?? "200"}.${about}`.slice(0, 200));
}

/** A schedule in words, where it is an easy one. */
function when(schedule) {
  const minutes = schedule.match(/^\*(?:\/(\d+))? \* \* \* \*$/);
  if (!minutes) return `on the schedule ${schedule}`;
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

/** Draws the panel anew and keeps the focus where it was. */
function renderTrouble() {
  const place = $("trouble");
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  place.replaceChildren(
    h("p", { class: "small lead" }, "Switch something off, write a message, and watch what the backend makes of it."),
    part("database", "Database", toggle("database_down", "Database down", "Tried again for three seconds. Then chat and menus go on without memory; whatever touches money says it must wait.")),
    part("spark", "The AI answers…", ai()),
    part("send", "Telegram's delivery",
      toggle("hold", "Hold deliveries", "Messages pile up, then go out one by one in the order they were written."),
      ONCE.map(([name, title, note]) => toggle(name, title, note))),
    part("function", "Functions",
      h("p", { class: "small" }, "Killed in the middle of work, it stays dead until you restart it; then a delivery, or the sweep, finishes the work once. It remembers nothing and needs nothing."),
      functions()),
    part("clock", "Scheduler", jobs()));
  const again = focused?.id ? $(focused.id) : focused?.value && place.querySelector(`[value="${CSS.escape(focused.value)}"]`);
  if (again) again.focus();
  renderWarning();
}

/** Nobody should wonder why nothing works: what is switched on stands above the chat, with the way back. */
function renderWarning() {
  const list = active();
  $("trouble-count").hidden = !list.length;
  $("trouble-count").textContent = String(list.length);
  document.querySelector('.tabs [data-view="trouble"]').toggleAttribute("data-on", list.length > 0);
  const dead = store.functions.filter(({ state }) => ["stopped", "crashed"].includes(state));
  $("warning").hidden = !list.length && !dead.length;
  $("warning").replaceChildren(
    ...list.map(([name, words]) => warned(words, "Undo", () => calm(name))),
    ...dead.map(({ name }) => warned(`The function ${name} does not run`, "Restart", () => restart(name))));
}

function warned(words, label, run) {
  return h("span", { class: "warned" }, icon("bolt"), words, h("button", { type: "button", class: "in-text", onclick: run }, label));
}

/** The stream tells all of them at every change. */
export function onTrouble(event) {
  store.troubles = event;
  renderTrouble();
}

export function onFunction({ name, state }) {
  const known = store.functions.find((one) => one.name === name);
  if (known) known.state = state;
  else store.functions.push({ name, state });
  renderTrouble();
}

export function startTrouble() {
  on("state", renderTrouble);
}
