// Walkthroughs: one step at a time above the chat. The user acts, the page watches the stream and moves on.

import { post } from "./api.js";
import { $, h, icon, iconButton } from "./dom.js";
import { SCENARIOS } from "./scenarios.js";
import { chooseUser, on, openTalk, userOf, store, emit } from "./store.js";

const place = $("guide");
let run = null; // {id, at, users: {role: id}, ...what the steps noted}

const scenario = () => SCENARIOS.find((one) => one.id === run?.id);
const steps = () => scenario().steps.filter((step) => !step.when || step.when());

export const isRunning = () => Boolean(run);

const finishedOnes = () => JSON.parse(localStorage.getItem("walked") ?? "[]");

/** Whether a walkthrough was followed to its end in this browser. */
export const isFinished = (id) => finishedOnes().includes(id);

/** The walkthroughs that can be started now. */
export const offered = () => SCENARIOS.filter((one) => !one.when || one.when());

/** Starts a walkthrough with new users, so that nothing of an earlier run is in its way. */
export async function start(id) {
  await undo();
  const former = formerUsers();
  run = { id, at: 0, users: {} };
  await setUp();
  save();
  render();
  for (const user of former) await post("/api/users/archive", { user }).catch(() => {});
  place.querySelector(".primary")?.focus();
}

/** The users of earlier walkthroughs: they leave the list, so that it doesn't grow with each start. */
const formerUsers = () => store.users.filter((user) => user.walkthrough && !user.archived).map((user) => user.id);

async function setUp() {
  const first = await addUser(scenario().user);
  openTalk({ bot: store.bots[0].name, group: null });
  chooseUser(first.id);
  emit("show-panel", "chat");
}

/** Adds a user under a role that later steps refer to. */
async function addUser(name) {
  const user = await post("/api/users", { first_name: name, language_code: "en", walkthrough: true });
  if (!userOf(user.id)) store.users.push(user);
  run.users[name] = user.id;
  return user;
}

/** What a step can use: who is who, and what it may do. */
const tools = {
  note: (values) => Object.assign(run, values),
  noted: () => run,
  idOf: (name) => run.users[name],
  addUser,
  become: (id) => chooseUser(id),
  send: (text) => post("/api/send", { user: store.user.id, bot: store.bots[0].name, kind: "text", text }),
  fault: (name, value) => post("/api/switches", { name, value }),
  advance: (period) => post("/api/clock/advance", { period }),
  // On a phone the chat gives way to the inspector: the walkthrough stays in view, and its end offers the trace.
  trace: () => matchMedia("(min-width: 720px)").matches && emit("show-panel", "trace"),
};

/** Takes back the faults of the current walkthrough. */
async function undo() {
  const faults = run ? scenario().faults ?? {} : {};
  for (const [name, value] of Object.entries(faults)) await post("/api/switches", { name, value }).catch(() => {});
}

async function close() {
  await undo();
  run = null;
  save();
  render();
  emit("guide");
  $("write").focus();
}

function save() {
  if (!run) return sessionStorage.removeItem("guide");
  sessionStorage.setItem("guide", JSON.stringify(run));
  if (run.at >= steps().length && !isFinished(run.id)) localStorage.setItem("walked", JSON.stringify([...finishedOnes(), run.id]));
}

/* ---- a step ---- */

function advance() {
  run.at += 1;
  save();
  render();
}

/** Moves on when an event of the stream, or a change of the current user, completes the step. */
function watch(name, event) {
  const step = run && steps()[run.at];
  if (step?.done?.(name, event, tools)) advance();
}

async function act(step, button) {
  button.disabled = true;
  try {
    await step.act(tools);
    if (!step.done) advance();
  } catch {
    // The refusal is shown as a toast.
  }
  button.disabled = false;
}

function render() {
  place.hidden = !run;
  if (!run) return;
  const list = steps();
  const step = list[run.at];
  place.replaceChildren(head(list), ...(step ? current(step) : finished()));
}

function head(list) {
  const done = Math.min(run.at, list.length);
  const words = done < list.length ? `Step ${done + 1} of ${list.length}` : "Done";
  return h("div", { class: "guide-head" },
    h("span", { class: "guide-title" }, icon(scenario().icon), h("strong", {}, scenario().title), h("span", { class: "small" }, words)),
    h("span", { class: "guide-dots", "aria-hidden": "true" }, list.map((_, at) => h("i", { data: { state: at < done ? "done" : at === done ? "now" : "next" } }))),
    h("button", { type: "button", class: "quiet", "aria-label": "Start over", onclick: () => start(run.id).catch(() => {}) }, icon("retry"), h("span", {}, "Start over")),
    iconButton("close", "Close the walkthrough", close));
}

function current(step) {
  const button = step.act ? h("button", { type: "button", class: "primary", onclick: () => act(step, button) }, step.label) : null;
  return [h("div", { class: "guide-step", role: "status" },
    h("div", { class: "guide-words" }, h("p", { class: "guide-do" }, step.text), step.watch ? h("p", { class: "small" }, step.watch) : null),
    button)];
}

function finished() {
  const others = offered();
  const next = others[(others.findIndex((one) => one.id === run.id) + 1) % others.length];
  return [h("div", { class: "guide-step", role: "status" },
    h("div", { class: "guide-words" }, h("p", { class: "guide-do" }, icon("check"), scenario().ending)),
    h("button", { type: "button", class: "secondary to-trace", onclick: () => emit("show-panel", "trace") }, "Open the trace"),
    h("button", { type: "button", class: "secondary", onclick: () => start(next.id).catch(() => {}) }, `Next: ${next.title}`))];
}

/** Goes on with the walkthrough of this tab after a reload. */
function recall() {
  run = JSON.parse(sessionStorage.getItem("guide") ?? "null");
  const known = run && scenario() && Object.values(run.users).every((id) => userOf(id));
  if (!known) run = null;
  render();
}

export function startGuide() {
  recall();
  on("stream", ({ name, event }) => watch(name, event));
  on("talk", () => watch("became", store.user));
}
