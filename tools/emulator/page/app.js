// Starts the page: the state first, then the stream, then the user and chat of last time.

import { get, listen, post } from "./api.js";
import { onAction, onBlock, onCallbackAnswer, onDelete, onDelivery, onDraft, onEdit, onMessage, onPurchase, onSubscription, openLink, startChat } from "./chat.js";
import { startChatHead } from "./chat_head.js";
import { onClock, startClock } from "./clock.js";
import { startComposer } from "./composer.js";
import { startDatabase } from "./database.js";
import { openAlert, startDialog } from "./dialog.js";
import { $, toast } from "./dom.js";
import { startLogs } from "./logs.js";
import { startInline } from "./inline.js";
import { startUsers } from "./users.js";
import { onApiFaults, onFunction, onSwitches, startFaults } from "./faults.js";
import { startFrame } from "./frame.js";
import { startGuide } from "./guide.js";
import { botOf, chooseUser, groupOf, isHere, on, openTalk, userOf, store, emit } from "./store.js";
import { onTopic, startTopics } from "./topics.js";
import { onTrace, startTrace } from "./trace.js";
import { startWelcome } from "./welcome.js";

const STREAM = {
  message: onMessage, edit: onEdit, delete: onDelete, reaction: onEdit, poll: onEdit, action: onAction, draft: onDraft, callback_answer: onCallbackAnswer, purchase: onPurchase, subscription: onSubscription, topic: (topic) => isHere(topic) && onTopic(topic),
  delivery: onDelivery, trace: onTrace, switches: onSwitches, faults: onApiFaults, function: onFunction, block: onBlock, clock: onClock,
  user: (user) => keep(store.users, user),
  group: (group) => keep(store.groups, group),
  channel: (channel) => keep(store.channels, channel),
  commands: () => refresh(),
};

/** Adds to a list of the state, or replaces the one with the same id. */
function keep(list, one) {
  const at = list.findIndex((known) => known.id === one.id);
  if (at < 0) list.push(one);
  else list[at] = one;
  emit("state");
}

async function refresh() {
  const state = await get("/api/state");
  const { users, bots, groups, channels, admins, switches, faults, functions, jobs, clock } = state;
  Object.assign(store, { users, bots, groups, channels, admins, switches, apiFaults: faults ?? [], clock: clock ?? null, functions: functions ?? store.functions, jobs: jobs ?? store.jobs });
  if (store.user) store.user = userOf(store.user.id) ?? users[0];
  if (store.user) emit("state");
  emit("switches");
}

/** Restores the user and the chat of last time where they still exist; an empty emulator gets its first user. */
async function recall() {
  if (!store.users.length) store.users.push(await post("/api/users", { first_name: "Anna", language_code: "en" }));
  const user = userOf(Number(localStorage.getItem("user"))) ?? store.users[0];
  let talk = JSON.parse(localStorage.getItem("talk") ?? "null");
  const usable = talk && botOf(talk.bot) && (!talk.group || groupOf(talk.group)?.members.includes(user.id));
  if (!usable) talk = { bot: store.bots[0].name, group: null };
  store.user = user;
  store.talk = talk;
  emit("state");
  chooseUser(user.id);
}

/** Opens the chat of a link on the website, once: a reload stays in the chat of then. */
function followLink() {
  const asked = new URLSearchParams(location.search);
  if (!asked.has("chat")) return;
  history.replaceState(null, "", location.pathname);
  openLink(asked.get("chat"), asked.get("start") ?? "");
}

function lineState(state) {
  $("line-state").dataset.state = state;
  $("line-state").textContent = state === "up" ? "Live" : "Reconnecting";
}

async function start() {
  startFrame();
  startDialog();
  startUsers();
  startClock();
  startChatHead();
  startChat();
  startComposer();
  startInline();
  startTopics();
  startWelcome();
  startFaults();
  startLogs();
  startDatabase();
  on("alert", (text) => openAlert(botOf(store.talk.bot).first_name, text));
  on("added-user", (user) => {
    keep(store.users, user);
    chooseUser(user.id);
    toast(`You’re ${user.first_name} now.`);
  });
  on("added-group", (group) => {
    keep(store.groups, group);
    if (group.members.includes(store.user.id)) openTalk({ bot: group.bots[0] ?? store.bots[0].name, group: group.id });
  });
  await refresh();
  await recall();
  await startTrace();
  startGuide();
  const receive = (name, event) => {
    STREAM[name](event);
    emit("stream", { name, event });
  };
  listen(receive, async (state, again) => {
    lineState(state);
    if (state !== "up") return;
    followLink(); // its answer arrives by the stream
    if (!again) return;
    await refresh();
    emit("stale");
  });
  if (matchMedia("(min-width: 720px)").matches) $("write").focus();
}

start().catch((error) => {
  lineState("down");
  console.error(error);
});
