// Starts the page: the state first, then the stream, then the user and chat of last time.

import { get, listen, post } from "./api.js";
import { onAction, onBlock, onCallbackAnswer, onDelete, onDelivery, onDraft, onEdit, onMessage, onPurchase, onSubscription, startChat } from "./chat.js";
import { startChatHead } from "./chat_head.js";
import { onClock, startClock } from "./clock.js";
import { startComposer } from "./composer.js";
import { startDatabase } from "./database.js";
import { openAlert, startDialog } from "./dialog.js";
import { $, toast } from "./dom.js";
import { startLogs } from "./logs.js";
import { startPeople } from "./people.js";
import { onApiFaults, onFunction, onSwitches, startFaults } from "./faults.js";
import { startFrame } from "./frame.js";
import { startGuide } from "./guide.js";
import { botOf, choosePerson, groupOf, isHere, on, openTalk, personOf, store, tell } from "./store.js";
import { onTopic, startTopics } from "./topics.js";
import { onTrace, startTrace } from "./trace.js";
import { startWelcome } from "./welcome.js";

const STREAM = {
  message: onMessage, edit: onEdit, delete: onDelete, reaction: onEdit, action: onAction, draft: onDraft, callback_answer: onCallbackAnswer, purchase: onPurchase, subscription: onSubscription, topic: (topic) => isHere(topic) && onTopic(topic),
  delivery: onDelivery, trace: onTrace, trouble: onSwitches, faults: onApiFaults, function: onFunction, block: onBlock, clock: onClock,
  person: (person) => keep(store.people, person),
  group: (group) => keep(store.groups, group),
  channel: (channel) => keep(store.channels, channel),
  commands: () => refresh(),
};

/** Adds to a list of the state, or replaces the one with the same id. */
function keep(list, one) {
  const at = list.findIndex((known) => known.id === one.id);
  if (at < 0) list.push(one);
  else list[at] = one;
  tell("state");
}

async function refresh() {
  const state = await get("/api/state");
  const { people, bots, groups, channels, admins, troubles, faults, functions, jobs, clock } = state;
  Object.assign(store, { people, bots, groups, channels, admins, switches: troubles, apiFaults: faults ?? [], clock: clock ?? null, functions: functions ?? store.functions, jobs: jobs ?? store.jobs });
  if (store.person) store.person = personOf(store.person.id) ?? people[0];
  if (store.person) tell("state");
  tell("switches");
}

/** Restores the user and the chat of last time where they still exist; an empty emulator gets its first user. */
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

function lineState(state) {
  $("line-state").dataset.state = state;
  $("line-state").textContent = state === "up" ? "Live" : "Reconnecting";
}

async function start() {
  startFrame();
  startDialog();
  startPeople();
  startClock();
  startChatHead();
  startChat();
  startComposer();
  startTopics();
  startWelcome();
  startFaults();
  startLogs();
  startDatabase();
  on("alert", (text) => openAlert(botOf(store.talk.bot).first_name, text));
  on("added-person", (person) => {
    keep(store.people, person);
    choosePerson(person.id);
    toast(`You’re ${person.first_name} now.`);
  });
  on("added-group", (group) => {
    keep(store.groups, group);
    if (group.members.includes(store.person.id)) openTalk({ bot: group.bots[0] ?? store.bots[0].name, group: group.id });
  });
  await refresh();
  await recall();
  await startTrace();
  startGuide();
  const receive = (name, event) => {
    STREAM[name](event);
    tell("stream", { name, event });
  };
  listen(receive, async (state, again) => {
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
