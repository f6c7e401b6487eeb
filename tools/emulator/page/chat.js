// The open chat: the messages, the typing line, what a new message does.

import { get, post } from "./api.js";
import { $, copyText, h, icon, toast } from "./dom.js";
import { END, keepEnd } from "./end.js";
import { unwrap, wrap } from "./albums.js";
import { walkWithKeys } from "./walk.js";
import { messageNode, tick } from "./message.js";
import { follow, formatted } from "./entities.js";
import { openMenu } from "./menu.js";
import { openChannel } from "./users.js";
import { markedIn, openQuote } from "./quote.js";
import { openStars, sayPurchase } from "./stars.js";
import { address, botOf, isHere, on, openTalk, store, emit, unreadKey } from "./store.js";
import { inTopic, isInTopic } from "./topics.js";
import { renderWelcome } from "./welcome.js";

const log = $("log");
const shown = new Map();
const waiting = new Map();
let loading = 0;
let missed = null;
let typingEnd;
let unseen = 0;

const ACTIONS = {
  typing: "is typing", upload_photo: "is sending a photo", record_voice: "is recording a voice message",
  upload_voice: "is sending a voice message", upload_video: "is sending a video", record_video: "is recording a video",
  upload_document: "is sending a file", choose_sticker: "is choosing a sticker", find_location: "is finding a place",
};

const REACTIONS = [["👍", "Thumbs up"], ["👎", "Thumbs down"]];
const RESULTS = { renew: "The next 30 days are paid for.", failed: "There weren’t enough Stars.", canceled: "It won’t renew.", active: "It will renew again." };

/** Everything in the chat that a click can start. */
const actions = {
  command: (text) => send({ kind: "text", text }),
  mention: (name) => talkToUsername(name) || toast(`There’s no @${name} here.`, "error"),
  invite: (name, parameter) => {
    const bot = store.bots.find((one) => one.username?.toLowerCase() === name.toLowerCase());
    if (!bot) return openChannel(name);
    if (store.talk.group || store.talk.bot !== bot.name) openTalk({ bot: bot.name, group: null });
    if (parameter) send({ kind: "text", text: `/start ${parameter}` });
    return true;
  },
  tap,
  pay,
  vote: (message, options) => post("/api/vote", { ...address(), message_id: message.message_id, options }).catch(() => {}),
  subscription: (charge, wish) => post("/api/subscription", { ...address(), charge_id: charge, do: wish }).then(() => toast(RESULTS[wish])).catch(() => {}),
  menu: messageMenu,
  jump: (id) => {
    const node = log.querySelector(`[data-id="${id}"]`);
    if (!node) return toast("That message is gone.");
    node.scrollIntoView({ block: "center" });
    node.classList.add("pointed");
    setTimeout(() => node.classList.remove("pointed"), 1600);
  },
};

/** Opens the chat with a bot by its username, and begins it with the parameter of a link. */
export const openLink = (name, parameter) => actions.invite(name, parameter) || toast(`There’s no @${name} here.`, "error");

function talkToUsername(name) {
  const bot = store.bots.find((one) => one.username?.toLowerCase() === name.toLowerCase());
  if (bot) openTalk({ bot: bot.name, group: null });
  return Boolean(bot);
}

/** Sends something as the current user into the open chat; the stream delivers it back as a message. */
export async function send(what) {
  scrollToEnd();
  return post("/api/send", { ...address(), ...inTopic(), ...what });
}

export const messages = () => [...shown.values()].map((one) => one.message);

async function load() {
  const turn = (loading += 1);
  log.setAttribute("aria-busy", "true");
  missed = [];
  const answer = await get("/api/chat", address()).catch(() => null);
  if (turn !== loading) return;
  if (answer) {
    store.topics = answer.topics;
    store.subscriptions = answer.subscriptions ?? [];
    emit("topics");
    fill(answer.messages);
    emit("blocked", Boolean(answer.blocked));
  }
  log.removeAttribute("aria-busy");
  emit("messages");
  const late = missed;
  missed = null;
  for (const again of late) again();
}

export function onBlock(event) {
  if (isHere(event)) emit("blocked", event.blocked);
}

function fill(list) {
  shown.clear();
  log.replaceChildren();
  hideTyping();
  for (const message of list) put(message);
  arrange();
  scrollToEnd();
}

function put(message) {
  const old = shown.get(message.message_id);
  const own = !message.from?.is_bot && message.from?.id === store.user.id;
  const node = messageNode(message, { own, inGroup: Boolean(store.talk.group), actions });
  if (old) exchange(old.node, node);
  else log.insertBefore(node, $("typing"));
  shown.set(message.message_id, { message, node });
}

/** Replaces a changed message; a focus inside moves to the same button, or to the message. */
function exchange(old, node) {
  const buttons = [...old.querySelectorAll(".key")];
  const at = buttons.indexOf(document.activeElement);
  const focused = old.contains(document.activeElement);
  old.replaceWith(node);
  if (focused) (node.querySelectorAll(".key")[at] ?? node).focus({ preventScroll: true });
}

/** Adds the day lines and groups messages of one sender. */
function arrange() {
  for (const line of log.querySelectorAll(".day")) line.remove();
  unwrap(log);
  const all = [...shown.values()];
  for (const { message, node } of all) node.hidden = !isInTopic(message);
  const list = all.filter(({ node }) => !node.hidden);
  list.forEach(({ message, node }, at) => {
    const before = list[at - 1]?.message;
    const after = list[at + 1]?.message;
    if (!before || day(before) !== day(message)) node.before(h("div", { class: "day" }, h("span", {}, dayName(message))));
    node.classList.toggle("first", !together(before, message));
    node.classList.toggle("last", !together(message, after));
  });
  wrap(list, actions);
  $("welcome").hidden = list.length > 0;
  log.hidden = list.length === 0;
  if (!list.length) renderWelcome($("welcome"), send);
}

const day = (message) => new Date(message.date * 1000).toDateString();
const together = (one, two) =>
  Boolean(one && two) && one.from?.id === two.from?.id && Math.abs(two.date - one.date) < 300 && day(one) === day(two);

function dayName(message) {
  const date = new Date(message.date * 1000);
  if (date.toDateString() === new Date().toDateString()) return "Today";
  if (date.toDateString() === new Date(Date.now() - 864e5).toDateString()) return "Yesterday";
  return new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" }).format(date);
}

/* ---- the stream ---- */

/** Delays an event that arrives while the chat is being fetched: the fetched state would overwrite it. */
const settled = (listener) => (event) => {
  if (missed && isHere(event)) missed.push(() => listener(event));
  else listener(event);
};

export const onMessage = settled((message) => {
  if (!isHere(message)) return elsewhere(message);
  const near = atEnd();
  if (message.from?.is_bot) hideTyping();
  put(message);
  arrange();
  if (near || message.from?.id === store.user.id) scrollToEnd();
  else showUnseen(unseen + 1);
  emit("messages");
});

function elsewhere(message) {
  if (!message.from?.is_bot) return;
  const key = unreadKey(message.chat_id ?? message.chat?.id, message.bot);
  store.unread.set(key, (store.unread.get(key) ?? 0) + 1);
  emit("unread");
}

export const onEdit = settled((message) => {
  if (!isHere(message) || !shown.has(message.message_id)) return;
  const near = atEnd();
  put(message);
  arrange();
  if (near) scrollToEnd();
  emit("messages");
});

export const onDelete = settled((event) => {
  if (!isHere(event)) return;
  for (const id of event.message_ids ?? [event.message_id]) {
    shown.get(id)?.node.remove();
    shown.delete(id);
  }
  arrange();
  emit("messages");
});

export const onDelivery = settled((event) => {
  const one = isHere(event) && shown.get(event.message_id);
  // A tap carries the id of the bot's message. In a group every bot has its own delivery; the first one is shown.
  if (!one || one.message.from?.is_bot || (one.message.delivery?.bot ?? event.bot) !== event.bot) return;
  one.message.delivery = { ...one.message.delivery, ...event };
  one.node.querySelector(".tick")?.remove();
  one.node.querySelector(".meta")?.append(tick(one.message.delivery));
});

/** Shows "typing…" for as long as Telegram does; an action of null hides it. */
export function onAction(event) {
  if (!isHere(event)) return;
  if (!event.action) return hideTyping();
  const words = `${botOf(event.bot)?.first_name ?? "The bot"} ${ACTIONS[event.action] ?? "is busy"}`;
  showWork(Math.min(6, event.until - Date.now() / 1000), h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")), words);
}

/** Shows a streamed answer: Telegram shows a draft for half a minute, until the message itself comes. */
export function onDraft(event) {
  if (!isHere(event)) return;
  if (event.is_stopped && !event.keep_on_stop) return hideTyping();
  const stop = event.can_stop && h("button", { type: "button", class: "stop", "aria-label": "Stop", title: "Stop writing", onclick: () => stopDraft(event) }, icon("stop"));
  showWork(30, h("div", { class: "text" }, event.text ? formatted(event.text, event.entities ?? []) : "Thinking…"), stop || null);
}

function stopDraft(event) {
  post("/api/stop", { ...address(), draft_id: event.draft_id }).catch(() => {});
}

function showWork(seconds, ...content) {
  const near = atEnd();
  hideTyping();
  typingEnd = setTimeout(hideTyping, Math.max(0.5, seconds) * 1000);
  log.append(h("div", { class: "typing", id: "typing" }, content));
  if (near) scrollToEnd();
}

function hideTyping() {
  clearTimeout(typingEnd);
  $("typing")?.remove();
}

/* ---- buttons of a message ---- */

async function tap(message, button, node) {
  node.classList.add("busy");
  waiting.set(node, setTimeout(() => settle(node), 20_000));
  await post("/api/tap", { ...address(), message_id: message.message_id, data: button.callback_data }).catch(() => settle(node));
}

function settle(node) {
  clearTimeout(waiting.get(node));
  waiting.delete(node);
  node.classList.remove("busy");
}

export function onCallbackAnswer(event) {
  if (event.user !== store.user?.id) return;
  for (const node of waiting.keys()) settle(node);
  if (event.text && event.alert) emit("alert", event.text);
  else if (event.text) toast(event.text);
  if (event.url) follow(event.url, actions);
}

/** Opens the payment sheet of an invoice; the stream carries the result. */
function pay(invoice, node) {
  openStars(invoice, (busy) => {
    if (!node) return;
    if (!busy) return settle(node);
    node.classList.add("busy");
    waiting.set(node, setTimeout(() => settle(node), 20_000));
  }).catch(() => {});
}

/** A subscription in Stars changed: the buttons under its charges do. */
export function onSubscription(event) {
  if (store.talk.group || event.user !== store.user?.id || event.bot !== store.talk.bot) return;
  store.subscriptions = [...store.subscriptions.filter((one) => one.charges[0] !== event.charges[0]), event];
  for (const { message } of [...shown.values()]) {
    if (event.charges.includes(message.successful_payment?.telegram_payment_charge_id)) put(message);
  }
  arrange();
}

export function onPurchase(event) {
  if (event.user !== store.user?.id) return;
  for (const node of waiting.keys()) settle(node);
  sayPurchase(event);
}

/** Reacts to a message, or takes the same reaction back. */
function react(message, emoji) {
  const mine = message.reactions?.some((one) => one.emoji === emoji && one.by.includes(store.user.id));
  post("/api/react", { ...address(), message_id: message.message_id, emoji: mine ? "" : emoji }).catch(() => {});
}

function messageMenu(message, anchor) {
  const own = message.from?.id === store.user.id;
  const text = message.text ?? message.caption;
  const part = text ? markedIn(message, shown.get(message.message_id)?.node) : "";
  const update = message.delivery?.update_id ?? shown.get(message.message_id)?.message.delivery?.update_id;
  openMenu(anchor, [
    { icon: "reply", label: "Reply", run: () => emit("reply", { message }) },
    part ? { icon: "quote", label: "Quote the marked part", run: () => emit("reply", { message, part }) } : null,
    text && !part ? { icon: "quote", label: "Quote a part…", run: () => openQuote(message) } : null,
    own && message.text ? { icon: "pencil", label: "Edit", run: () => emit("edit", message) } : null,
    text ? { icon: "copy", label: "Copy text", run: () => copyText(text) } : null,
    text ? { icon: "forward", label: "Forward to this chat", run: () => send({ kind: "forward", text }) } : null,
    update ? { icon: "way", label: "Show trace", run: () => emit("show-way", update) } : null,
    ...REACTIONS.map(([emoji, label]) => ({ label, mark: emoji, run: () => react(message, emoji) })),
    own || !store.talk.group ? { icon: "trash", label: "Delete", run: () => post("/api/delete", { ...address(), message_id: message.message_id }).catch(() => {}) } : null,
  ]);
}

/* ---- scrolling ---- */

const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < END;

function scrollToEnd() {
  log.scrollTop = log.scrollHeight;
  showUnseen(0);
}

function showUnseen(count) {
  unseen = count;
  const button = $("to-end");
  button.hidden = count === 0 && atEnd();
  button.replaceChildren(icon("down"), count ? `${count} new` : "Latest");
}

export function startChat() {
  log.addEventListener("scroll", () => showUnseen(atEnd() ? 0 : unseen), { passive: true });
  walkWithKeys(log, (node) => messageMenu(shown.get(Number(node.dataset.id)).message, node));
  keepEnd(log, scrollToEnd);
  $("to-end").addEventListener("click", scrollToEnd);
  on("talk", load);
  on("reload-chat", load);
  on("stale", load);
  on("guide", arrange);
  on("topic", () => {
    // The label of its topic stands on a message only while the whole chat is open.
    for (const { message } of [...shown.values()]) put(message);
    arrange();
    scrollToEnd();
  });
}
