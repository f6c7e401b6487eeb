// The composer: the text field, replies and edits, attachments, the bot's reply keyboard.

import { post } from "./api.js";
import { messages, send } from "./chat.js";
import { commandKey, offerCommands, startCommands } from "./commands.js";
import { $, fullName, h, iconButton, toast } from "./dom.js";
import { openMenu } from "./menu.js";
import { gist } from "./message.js";
import { address, chatId, on, store, unreadKey } from "./store.js";

const field = $("write");
const drafts = new Map();
let here = null;
let target = null;
let keysClosed = null;

const ATTACHMENTS = [
  ["photo", "Photo", "photo"], ["document", "File", "document"], ["sticker", "Sticker", "sticker"],
  ["voice", "Voice message", "voice"], ["location", "Location", "location"], ["contact", "My contact", "person"],
  ["forward", "Forwarded message", "forward"],
];

/** The text of a forwarded message when none was typed. */
const SOMETHING = { forward: "A forwarded message." };

async function submit(event) {
  event.preventDefault();
  const text = field.value.trim();
  if (!text) return;
  const aim = target;
  quote(null);
  setText("");
  try {
    if (aim?.edit) await post("/api/edit", { ...address(), message_id: aim.message.message_id, text });
    else await send({ kind: "text", text, reply_to: aim?.message.message_id });
  } catch {
    setText(text);
    quote(aim);
  }
}

function setText(text) {
  field.value = text;
  resize();
  offerCommands("");
}

function resize() {
  field.style.setProperty("height", "auto");
  field.style.setProperty("height", `${Math.min(field.scrollHeight, 180)}px`);
  $("send").disabled = !field.value.trim();
}

/** Shows above the field what is being replied to or edited; null hides it. */
function quote(next) {
  target = next;
  const strip = $("quoting");
  strip.hidden = !next;
  $("send").setAttribute("aria-label", next?.edit ? "Save" : "Send");
  if (!next) return;
  const title = next.edit ? "Editing" : `Reply to ${fullName(next.message.from ?? {})}`;
  strip.replaceChildren(h("div", { class: "quoted" }, h("strong", {}, title), h("span", {}, gist(next.message))),
    iconButton("close", next.edit ? "Cancel editing" : "Cancel reply", () => cancel()));
  field.focus();
}

function cancel() {
  if (target?.edit) setText("");
  quote(null);
  field.focus();
}

function startEdit(message) {
  quote({ message, edit: true });
  setText(message.text ?? message.caption ?? "");
}

function onkeydown(event) {
  if (event.isComposing || commandKey(event)) return;
  if (event.key === "Enter" && !event.shiftKey) submit(event);
  else if (event.key === "Escape" && target) cancel();
  else if (event.key === "ArrowUp" && !field.value) editLast(event);
}

function editLast(event) {
  const own = messages().filter((one) => one.from?.id === store.person.id && one.text);
  if (!own.length) return;
  event.preventDefault();
  startEdit(own[own.length - 1]);
}

function attach() {
  openMenu($("attach"), ATTACHMENTS.map(([kind, label, icon]) => ({
    icon, label,
    run: () => {
      const text = field.value.trim();
      const takesText = kind === "photo" || kind === "forward";
      if (takesText) setText("");
      send({ kind, text: takesText ? text || SOMETHING[kind] : undefined }).catch(() => {});
      field.focus();
    },
  })));
}

/* ---- the bot's reply keyboard ---- */

/** The last message of a bot that shows a keyboard, removes it, or forces a reply. */
function lastMarkup() {
  const deciding = (one) => one.from?.is_bot && (one.reply_markup?.keyboard || one.reply_markup?.remove_keyboard || one.reply_markup?.force_reply);
  return messages().filter(deciding).at(-1);
}

function renderKeys() {
  const message = lastMarkup();
  const markup = message?.reply_markup;
  const rows = markup?.keyboard;
  field.placeholder = (markup?.keyboard || markup?.force_reply) && markup.input_field_placeholder ? markup.input_field_placeholder : `Message as ${store.person.first_name}`;
  $("keys-button").hidden = !rows;
  const open = Boolean(rows) && keysClosed !== message.message_id;
  $("keys").hidden = !open;
  $("keys-button").setAttribute("aria-expanded", String(open));
  if (rows) {
    $("keys").replaceChildren(...rows.map((row) => h("div", { class: "key-row" }, row.map((button) => replyKey(button, message)))));
  }
  if (markup?.force_reply && target?.asked !== message.message_id && messages().at(-1) === message) {
    quote({ message, edit: false, asked: message.message_id });
  }
}

function replyKey(button, message) {
  const { text, request_contact: contact, request_location: location } = typeof button === "string" ? { text: button } : button;
  return h("button", {
    type: "button", class: "key",
    onclick: () => {
      if (message.reply_markup.one_time_keyboard) toggleKeys();
      if (contact || location) send({ kind: contact ? "contact" : "location" }).catch(() => {});
      else pressKey(text);
    },
  }, h("span", {}, text));
}

/** Sends the text of a reply keyboard button. */
function pressKey(text) {
  if (store.talk.group) send({ kind: "text", text }).catch(() => {});
  else post("/api/press", { person: store.person.id, bot: store.talk.bot, text }).catch(() => {});
}

function toggleKeys() {
  const id = lastMarkup()?.message_id;
  keysClosed = keysClosed === id ? null : id;
  renderKeys();
}

function changeTalk() {
  if (here) drafts.set(here, field.value);
  here = `${store.person.id}:${unreadKey(chatId(), store.talk.bot)}`;
  quote(null);
  setText(drafts.get(here) ?? "");
}

export function startComposer() {
  $("composer").addEventListener("submit", submit);
  field.addEventListener("input", () => {
    resize();
    offerCommands(field.value);
  });
  field.addEventListener("keydown", onkeydown);
  field.addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length) toast("Use the paper clip to attach files.");
  });
  $("attach").addEventListener("click", attach);
  $("keys-button").addEventListener("click", toggleKeys);
  startCommands((text) => {
    setText("");
    send({ kind: "text", text }).catch(() => {});
    field.focus();
  }, setText);
  on("talk", changeTalk);
  on("messages", renderKeys);
  on("reply", (message) => quote({ message, edit: false }));
  on("edit", startEdit);
  on("write", () => field.focus());
}
