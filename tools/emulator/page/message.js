// One message: its bubble, what is attached to it, the buttons under it, how far its delivery got.

import { avatar, copyText, fullName, h, icon, iconButton, timeOf } from "./dom.js";
import { follow, formatted } from "./entities.js";
import { openMiniApp } from "./mini_app.js";
import { poll } from "./poll.js";
import { emit, store, subscriptionOf } from "./store.js";

const DELIVERY = {
  queued: ["clock", () => "Queued: Telegram delivers one update of a chat at a time"],
  delivering: ["check", () => "Delivering: the function hasn’t responded yet"],
  delivered: ["checks", () => "Delivered: the function returned 200"],
  retrying: ["retry", (n) => `Not delivered after ${n} ${n === 1 ? "attempt" : "attempts"}. Telegram retries with growing pauses`],
  expired: ["alert", (n) => `Expired after ${n} attempts: Telegram drops updates it can’t deliver in time`],
};

/** The tick of an own message; `delivery` events of the stream replace it. */
export function tick({ status, attempts = 0 }) {
  const [name, sentence] = DELIVERY[status] ?? DELIVERY.queued;
  const words = sentence(attempts);
  const stuck = status === "retrying" || status === "expired";
  return h("span", { class: "tick", data: { status, tip: words }, role: "img", "aria-label": words, tabindex: stuck ? 0 : undefined },
    icon(name), status === "retrying" && attempts > 0 ? `×${attempts}` : null);
}

/**
 * Builds a message. `view` is {own, inGroup, actions}; actions are what entities.js needs and
 * {tap(message, button), menu(message, anchor), jump(id), key(button)}.
 */
export function messageNode(message, { own, inGroup, actions }) {
  const note = service(message);
  if (note) return h("div", { class: "service", data: { id: message.message_id } }, h("span", {}, note));
  const sender = message.from ?? {};
  const bare = message.sticker && !message.reply_to_message;
  const bubble = h("div", { class: "bubble" },
    inGroup && !own ? h("div", { class: "sender" }, fullName(sender)) : null, topicLabel(message),
    forwarded(message), quoted(message, actions), ...attachments(message, actions), words(message, own, actions));
  const column = h("div", { class: "column" }, bubble, reactions(message), inlineKeyboard(message, actions));
  const menu = iconButton("more", "Message menu", (event) => actions.menu(message, event.currentTarget), {
    class: "icon-button message-menu", tabindex: -1, "aria-haspopup": "menu",
  });
  const node = h("article", {
    class: "message", tabindex: -1, "aria-label": `${own ? "You" : fullName(sender)}`,
    data: { id: message.message_id, side: own ? "own" : "other", ...(bare ? { bare: "" } : {}) },
  }, inGroup && !own ? avatar(fullName(sender), sender.id, null, "small") : null, column, menu);
  const offer = (event) => {
    if (event.target.closest("a, button, [role=button], audio") || String(getSelection())) return;
    event.preventDefault();
    actions.menu(message, node);
  };
  node.addEventListener("contextmenu", offer);
  // Without hover the small button never shows: there a tap on the bubble opens the menu, as in Telegram.
  if (matchMedia("(hover: none)").matches) bubble.addEventListener("click", offer);
  return node;
}

const SERVICES = {
  forum_topic_created: (one) => `created the topic “${one.name}”`,
  forum_topic_edited: (one) => `renamed the topic to “${one.name}”`,
  forum_topic_closed: () => "closed the topic",
  forum_topic_reopened: () => "reopened the topic",
  migrate_to_chat_id: () => "made the group a supergroup",
  migrate_from_chat_id: () => "made the group a supergroup",
  pinned_message: () => "pinned a message",
};

/** The words of a message that only reports a change of the chat. */
function service(message) {
  const kind = Object.keys(SERVICES).find((name) => message[name] !== undefined);
  return kind ? `${fullName(message.from ?? {})} ${SERVICES[kind](message[kind])}` : null;
}

/** The topic of a message, shown while the whole chat is open. */
function topicLabel(message) {
  const topic = !store.talk?.thread && message.message_thread_id && store.topics.find((one) => one.thread === message.message_thread_id);
  return topic ? h("div", { class: "topic-label" }, icon("topic"), topic.name) : null;
}

function words(message, own, actions) {
  const text = message.text ?? message.caption ?? "";
  const entities = message.entities ?? message.caption_entities ?? [];
  const meta = h("span", { class: "meta" },
    message.edit_date ? h("span", {}, "edited") : null,
    timeOf(message.date),
    own && message.delivery ? tick(message.delivery) : null);
  return h("div", { class: "text", data: text ? {} : { empty: "" }, dir: "auto" }, text ? formatted(text, entities, actions) : null, meta);
}

function reactions({ reactions: list }) {
  if (!list?.length) return null;
  return h("div", { class: "reactions" }, list.map(({ emoji, by }) => h("span", { class: "reaction" }, `${emoji} ${by.length}`)));
}

function forwarded({ forward_origin: origin }) {
  if (!origin) return null;
  const name = origin.sender_user_name ?? (origin.sender_user ? fullName(origin.sender_user) : origin.chat?.title ?? "someone");
  return h("div", { class: "forwarded" }, icon("forward"), `Forwarded from ${name}`);
}

function quoted({ reply_to_message: original, quote }, actions) {
  // In a forum every message of a topic replies to the one that made the topic.
  if (!original || original.forum_topic_created) return null;
  return h("button", { type: "button", class: "quoted", onclick: () => actions.jump(original.message_id) },
    h("strong", {}, fullName(original.from ?? {})), h("span", {}, quote?.text ?? gist(original)));
}

/** A message in one line: for quotes, the trace and the reply strip. */
export function gist(message) {
  const text = message.text ?? message.caption;
  if (text) return text.replace(/\s+/g, " ").slice(0, 120);
  const kind = Object.keys(ATTACHMENTS).find((name) => message[name]);
  if (kind === "poll") return `${message.poll.type === "quiz" ? "Quiz" : "Poll"}: ${message.poll.question}`;
  if (!kind) return "Message";
  if (kind === "successful_payment" || kind === "refunded_payment") return kind === "refunded_payment" ? "Refund" : "Payment";
  return kind === "sticker" ? `${message.sticker.emoji ?? ""} Sticker`.trim() : kind[0].toUpperCase() + kind.slice(1);
}

const ATTACHMENTS = { photo, sticker, voice, document: file, video, animation: video, video_note: video, audio, location: place, contact, poll, invoice, successful_payment: paid, refunded_payment: refunded };

function attachments(message, actions) {
  return Object.entries(ATTACHMENTS).filter(([name]) => message[name]).map(([name, render]) => render(message[name], message, actions));
}

function photo(sizes) {
  const one = Array.isArray(sizes) ? sizes[sizes.length - 1] : sizes;
  if (!one?.url) return row("photo", "Photo", size(one));
  // A picture on another host is a link: the page loads nothing from outside the emulator.
  if (!one.url.startsWith("/")) return fileLink(one.url, row("photo", "Photo", new URL(one.url).host));
  return h("a", { class: "photo", href: one.url, target: "_blank", rel: "noopener" },
    h("img", { src: one.url, alt: "Photo", loading: "lazy", width: one.width, height: one.height }));
}

function sticker(one) {
  if (!one.url?.startsWith("/")) return h("div", { class: "sticker", role: "img", "aria-label": `Sticker ${one.emoji ?? ""}` }, one.emoji ?? "Sticker");
  return h("img", { class: "sticker", src: one.url, alt: `Sticker ${one.emoji ?? ""}`, width: 144, height: 144 });
}

function voice(one) {
  const bars = [...(one.file_unique_id ?? one.file_id ?? "voice").padEnd(28, "voice message")].slice(0, 28);
  const wave = h("span", { class: "wave", "aria-hidden": "true" },
    bars.map((char, at) => h("i", { vars: { level: `${20 + ((char.charCodeAt(0) * (at + 3) * 7) % 80)}%` } })));
  const label = `${Math.floor((one.duration ?? 0) / 60)}:${String((one.duration ?? 0) % 60).padStart(2, "0")}`;
  if (!one.url?.startsWith("/")) return h("div", { class: "voice" }, h("span", { class: "round" }, icon("voice")), wave, h("span", { class: "small" }, label));
  const audio = new Audio(one.url);
  const button = h("button", { type: "button", class: "round", "aria-label": "Play voice message" }, icon("play"));
  button.addEventListener("click", () => (audio.paused ? audio.play().catch(() => {}) : audio.pause()));
  for (const name of ["play", "pause", "ended"]) {
    audio.addEventListener(name, () => button.replaceChildren(icon(audio.paused ? "play" : "pause")));
  }
  return h("div", { class: "voice" }, button, wave, h("span", { class: "small" }, label));
}

function video(one) {
  if (!one.url?.startsWith("/")) return row("play", "Video", size(one));
  return h("video", { class: "video", src: one.url, controls: true, preload: "metadata", "aria-label": one.file_name ?? "Video" });
}

function audio(one) {
  if (!one.url?.startsWith("/")) return row("play", one.title ?? one.file_name ?? "Audio", size(one));
  return h("div", { class: "audio" }, h("span", { class: "small" }, one.title ?? one.file_name ?? "Audio"),
    h("audio", { src: one.url, controls: true, preload: "metadata", "aria-label": one.file_name ?? "Audio" }));
}

function file(one) {
  const content = row("document", one.file_name ?? "File", size(one));
  return one.url ? fileLink(one.url, content) : content;
}

function fileLink(url, content) {
  const safe = url.startsWith("/") || /^https?:/i.test(url);
  return safe ? h("a", { class: "file-link", href: url, target: "_blank", rel: "noopener noreferrer" }, content) : content;
}

function size(one) {
  const bytes = one?.file_size;
  if (!bytes) return "";
  return bytes < 1024 ? `${bytes} bytes` : `${(bytes / 1024).toFixed(bytes < 10240 ? 1 : 0)} KB`;
}

function row(name, title, note) {
  return h("div", { class: "file" }, h("span", { class: "round" }, icon(name)),
    h("span", { class: "file-words" }, h("strong", {}, title), note ? h("span", { class: "small" }, note) : null));
}

function place({ latitude, longitude }) {
  return h("div", { class: "place", role: "img", "aria-label": "Location on a map" }, icon("location"),
    h("span", { class: "small" }, `${latitude.toFixed(4)}, ${longitude.toFixed(4)}`));
}

function contact(one) {
  return row("user", fullName(one), one.phone_number);
}

/** Formats an amount: Stars are whole, other currencies come in their smallest units. */
export function total({ currency, total_amount: amount }) {
  if (currency === "XTR") return `${amount} ${amount === 1 ? "Star" : "Stars"}`;
  return new Intl.NumberFormat("en", { style: "currency", currency }).format(amount / 100);
}

function invoice(one) {
  return h("div", { class: "invoice" }, h("strong", {}, one.title), h("span", {}, one.description), h("span", { class: "price" }, total(one)));
}

function paid(one) {
  const note = one.is_recurring ? (one.is_first_recurring ? "Renews every 30 days" : "Renewed for 30 days") : null;
  return row("star", `Paid ${total(one)}`, note);
}

function refunded(one) {
  return row("star", `${total(one)} refunded`);
}

function inlineKeyboard(message, actions) {
  const rows = message.reply_markup?.inline_keyboard ?? offered(message);
  if (!rows?.length) return null;
  return h("div", { class: "inline-keys" }, rows.map((buttons) => h("div", { class: "key-row" },
    buttons.map((button) => inlineButton(button, message, actions)))));
}

const WISHES = { renew: "Renew", failed: "Not enough Stars", canceled: "Cancel", active: "Resume" };

/** Buttons of Telegram itself: Pay under an invoice, and here the outcomes of a subscription. */
function offered({ invoice: asked, successful_payment: payment }) {
  if (asked) return [[{ text: `Pay ${total(asked)}`, pay: true }]];
  const subscription = payment?.is_recurring && subscriptionOf(payment.telegram_payment_charge_id);
  // One place for the buttons: under the newest charge.
  if (!subscription || subscription.charges.at(-1) !== payment.telegram_payment_charge_id) return null;
  return [subscription.actions.map((wish) => ({ text: WISHES[wish], wish, charge: payment.telegram_payment_charge_id }))].filter((row) => row.length);
}

function inlineButton(button, message, actions) {
  const tone = button.style ? { data: { tone: button.style } } : {};
  if (button.callback_data !== undefined) {
    return key(button.text, null, { ...tone, onclick: (event) => actions.tap(message, button, event.currentTarget) });
  }
  if (button.pay) return key(button.text, null, { ...tone, onclick: (event) => actions.pay({ message_id: message.message_id }, event.currentTarget) });
  if (button.wish) return key(button.text, null, { ...tone, onclick: () => actions.subscription(button.charge, button.wish) });
  if (button.copy_text) return key(button.text, "copy", { ...tone, onclick: () => copyText(button.copy_text.text) });
  if (button.url) return key(button.text, "link", { ...tone, onclick: () => open(button.url, actions) });
  if (button.web_app) return key(button.text, "link", { ...tone, onclick: () => openMiniApp(button.web_app.url) });
  if (button.switch_inline_query_current_chat !== undefined) return key(button.text, null, { ...tone, onclick: () => emit("inline") });
  return key(button.text, null, { ...tone, disabled: true, title: "The emulator doesn’t support this kind of button" });
}

function open(url, actions) {
  if (!follow(url, actions) && /^https?:/i.test(url)) window.open(url, "_blank", "noopener,noreferrer");
}

function key(text, mark, props) {
  return h("button", { type: "button", class: "key", ...props }, h("span", {}, text), mark ? icon(mark, "corner") : null);
}
