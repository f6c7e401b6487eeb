// Starts the page: state first, then the stream, then whatever the person chose last time.

import { get, listen, post } from "./api.js";
import { onAction, onCallbackAnswer, onDelete, onDelivery, onDraft, onEdit, onMessage, onPurchase, startChat } from "./chat.js";
import { startComposer } from "./composer.js";
import { openAlert, startDialog } from "./dialog.js";
import { $, icon, toast } from "./dom.js";
import { startPeople } from "./people.js";
import { botOf, choosePerson, groupOf, on, openTalk, personOf, store, tell } from "./store.js";
import { onTrace, startTrace } from "./trace.js";
import { onFunction, onTrouble, startTrouble } from "./trouble.js";

const STREAM = {
  message: onMessage, edit: onEdit, delete: onDelete, action: onAction, draft: onDraft, callback_answer: onCallbackAnswer, purchase: onPurchase,
  delivery: onDelivery, trace: onTrace, trouble: onTrouble, function: onFunction,
  person: (person) => keep(store.people, person),
  group: (group) => keep(store.groups, group),
  channel: (channel) => keep(store.channels, channel),
  commands: () => refresh(),
};

/** Adds to a list of the state, or replaces what bears the same id. */
function keep(list, one) {
  const at = list.findIndex((known) => known.id === one.id);
  if (at < 0) list.push(one);
  else list[at] = one;
  tell("state");
}

async function refresh() {
  const state = await get("/api/state");
  const { people, bots, groups, channels, troubles, functions, jobs } = state;
  Object.assign(store, { people, bots, groups, channels, troubles, functions: functions ?? store.functions, jobs: jobs ?? store.jobs });
  if (store.person) store.person = personOf(store.person.id) ?? people[0];
  if (store.person) tell("state");
}

/** The person and the chat of last time, as far as they still exist; an empty world gets its first inhabitant. */
async function recall() {
  if (!store.people.length) store.people.push(await post("/api/people", { first_name: "Anna", language_code: "en" }));
  const person = personOf(Number(localStorage.getItem("person"))) ?? store.people[0];
  let talk = JSON.parse(localStorage.getItem("talk") ?? "null");
  const usable = talk && botOf(talk.bot) && (!talk.group || groupOf(talk.group)?.members.includes(person.id));
  if (!usable) talk = { bot: store.bots[0].name, group: null };
  store.person = person;
  store.talk = talk;
  tell("state");
  choosePerson(person.id);
}

/* ---- the frame: theme, views, skip links ---- */

const THEMES = { auto: ["auto", "Colours: as the system has them"], light: ["sun", "Colours: light"], dark: ["moon", "Colours: dark"] };

function renderTheme() {
  const theme = document.documentElement.dataset.theme ?? "auto";
  const [name, label] = THEMES[theme];
  $("theme").replaceChildren(icon(name));
  $("theme").setAttribute("aria-label", label);
  $("theme").title = label;
}

function nextTheme() {
  const order = Object.keys(THEMES);
  const next = order[(order.indexOf(document.documentElement.dataset.theme ?? "auto") + 1) % order.length];
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  localStorage.setItem("theme", next);
  renderTheme();
}

/** `view` is what a narrow window shows; trace and trouble are also the two tabs of the panel of a wide one. */
function show(view) {
  document.body.dataset.view = view;
  if (view === "trace" || view === "trouble") document.body.dataset.panel = view;
  for (const button of document.querySelectorAll(".tabs button")) {
    if (button.dataset.view === view) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  for (const tab of document.querySelectorAll(".panel-tabs button")) {
    const chosen = tab.dataset.panel === document.body.dataset.panel;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
  }
}

function startFrame() {
  renderTheme();
  $("theme").addEventListener("click", nextTheme);
  $("tabs").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) show(button.dataset.view);
  });
  const tabs = document.querySelector(".panel-tabs");
  tabs.addEventListener("click", (event) => show(event.target.closest("button")?.dataset.panel ?? document.body.dataset.view));
  tabs.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    show(document.body.dataset.panel === "trace" ? "trouble" : "trace");
    tabs.querySelector('[aria-selected="true"]').focus();
  });
  for (const link of document.querySelectorAll("[data-skip]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      show(link.dataset.skip);
      document.querySelector(link.hash).focus();
    });
  }
  on("show-panel", show);
  show("chat");
}

function lineState(state) {
  $("line-state").dataset.state = state;
  $("line-state").textContent = state === "up" ? "Live" : "Reconnecting";
}

async function start() {
  startFrame();
  startDialog();
  startPeople();
  startChat();
  startComposer();
  startTrouble();
  on("alert", (text) => openAlert(botOf(store.talk.bot).first_name, text));
  on("added-person", (person) => {
    keep(store.people, person);
    choosePerson(person.id);
    toast(`You are ${person.first_name} now.`);
  });
  on("added-group", (group) => {
    keep(store.groups, group);
    if (group.members.includes(store.person.id)) openTalk({ bot: group.bots[0] ?? store.bots[0].name, group: group.id });
  });
  await refresh();
  await recall();
  await startTrace();
  listen((name, event) => STREAM[name](event), async (state, again) => {
    lineState(state);
    if (state !== "up" || !again) return;
    await refresh();
    tell("stale");
  });
  if (matchMedia("(min-width: 720px)").matches) $("write").focus();
}

start().catch((error) => {
  lineState("down");
  console.error(error);
});
