// The composer: the text field, replies and edits, attachments, the bot's reply keyboard.

import { post } from "./api.js";
import { messages, send } from "./chat.js";
import { contentOf, describe } from "./files.js";
import { commandKey, offerCommands, startCommands } from "./commands.js";
import { $, fullName, h, iconButton } from "./dom.js";
import { openMenu } from "./menu.js";
import { gist } from "./message.js";
import { canRecord, dropRecording, isRecording, startRecording, stopRecording } from "./record.js";
import { address, chatId, emit, on, store, unreadKey } from "./store.js";

const field = $("write");
const drafts = new Map();
let here = null;
let target = null;
let files = [];
let keysClosed = null;

/** Ready-made examples; own files come from the file picker, the clipboard or a drop. */
const SAMPLES = [
  ["photo", "Sample photo", "photo"], ["document", "Sample file", "document"], ["sticker", "Sticker", "sticker"],
  ["voice", "Sample voice message", "voice"], ["location", "Location", "location"], ["contact", "My contact", "user"],
  ["forward", "Forwarded message", "forward"],
];

/** The text of a forwarded message when none was typed. */
const SOMETHING = { forward: "A forwarded message." };

async function submit(event) {
  event.preventDefault();
  if (isRecording()) files = [{ file: await stopRecording(), asVoice: true }];
  const text = field.value.trim();
  if (!text && !files.length) return;
  const [aim, attached] = [target, files];
  clear();
  setText("");
  try {
    if (aim?.edit) await post("/api/edit", { ...address(), message_id: aim.message.message_id, text });
    else await send({ ...(attached.length ? await contentOf(attached) : { kind: "text" }), text, reply_to: aim?.message.message_id, quote: aim?.part });
  } catch {
    setText(text);
    if (attached.length) attachFiles(attached);
    else quote(aim);
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
  $("send").disabled = !field.value.trim() && !files.length && !isRecording();
}

/** Shows above the field what is being replied to or edited; null hides it. */
function quote(next) {
  target = next;
  $("send").setAttribute("aria-label", next?.edit ? "Save" : "Send");
  if (!next) return renderStrip();
  const title = next.edit ? "Editing" : `${next.part ? "Quote of" : "Reply to"} ${fullName(next.message.from ?? {})}`;
  renderStrip(title, next.part ?? gist(next.message), next.edit ? "Cancel editing" : "Cancel reply");
  field.focus();
}

/** Shows files above the field until they are sent; the text becomes their caption. */
function attachFiles(list) {
  files = [...list].slice(0, 10);
  if (files.length) renderStrip(files.length === 1 ? "1 file" : `${files.length} files`, describe(files), "Remove the files");
  resize();
  field.focus();
}

/** Records a voice message until Send, or until the cross. */
async function record() {
  try {
    await startRecording();
  } catch {
    return renderStrip("No microphone", "The browser gave no access to it", "Close");
  }
  renderStrip("Recording", "Send ends the recording and sends it", "Drop the recording");
  resize();
}

function clear() {
  dropRecording();
  files = [];
  quote(null);
}

/** The strip above the field: what the next message replies to, edits, or carries. */
function renderStrip(title, words, cancelLabel) {
  $("quoting").hidden = !title;
  if (!title) return;
  $("quoting").replaceChildren(h("div", { class: "quoted" }, h("strong", {}, title), h("span", {}, words)), iconButton("close", cancelLabel, () => cancel()));
}

function cancel() {
  if (target?.edit) setText("");
  clear();
  resize();
  field.focus();
}

function startEdit(message) {
  quote({ message, edit: true });
  setText(message.text ?? message.caption ?? "");
}

function onkeydown(event) {
  // Enter that ends a composition (Japanese, Chinese, Korean) sends nothing; Safari says so by key code 229 alone.
  if (event.isComposing || event.keyCode === 229 || commandKey(event)) return;
  if (event.key === "Enter" && !event.shiftKey) submit(event);
  else if (event.key === "Escape" && (target || files.length || isRecording())) cancel();
  else if (event.key === "ArrowUp" && !field.value) editLast(event);
}

function editLast(event) {
  const own = messages().filter((one) => one.from?.id === store.user.id && one.text);
  if (!own.length) return;
  event.preventDefault();
  startEdit(own[own.length - 1]);
}

/** Opens the file picker. A document keeps its bytes as they are; a photo or video is shown in the chat. */
function pick(accept) {
  const input = h("input", { type: "file", multiple: true, accept });
  input.addEventListener("change", () => attachFiles([...input.files].map((file) => ({ file, asFile: !accept }))));
  input.click();
}

function attach() {
  const samples = SAMPLES.map(([kind, label, icon]) => ({ icon, label, run: () => sendSample(kind) }));
  openMenu($("attach"), [
    { icon: "photo", label: "Photo or video…", run: () => pick("image/*,video/*") },
    { icon: "document", label: "File…", run: () => pick("") },
    ...(canRecord() ? [{ icon: "voice", label: "Record a voice message…", run: record }] : []),
    ...samples,
    { mark: "@", label: "Ask in inline mode…", run: () => emit("inline") },
  ]);
}

function sendSample(kind) {
  const text = field.value.trim();
  const takesText = kind === "photo" || kind === "forward";
  if (takesText) setText("");
  send({ kind, text: takesText ? text || SOMETHING[kind] : undefined }).catch(() => {});
  field.focus();
}

/** Attaches dropped or pasted files, pictures and videos as such. */
function onTransfer(event) {
  const list = [...(event.dataTransfer ?? event.clipboardData).files];
  if (!list.length) return;
  event.preventDefault();
  attachFiles(list.map((file) => ({ file, asFile: false })));
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
  field.placeholder = (markup?.keyboard || markup?.force_reply) && markup.input_field_placeholder ? markup.input_field_placeholder : `Message as ${store.user.first_name}`;
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
  send({ kind: "text", text }).catch(() => {});
}

function toggleKeys() {
  const id = lastMarkup()?.message_id;
  keysClosed = keysClosed === id ? null : id;
  renderKeys();
}

/** A user who blocked the bot can only unblock it. */
function renderBlocked(blocked) {
  $("composer").hidden = blocked;
  $("blocked").hidden = !blocked;
}

function changeTalk() {
  if (here) drafts.set(here, field.value);
  here = `${store.user.id}:${unreadKey(chatId(), store.talk.bot)}`;
  clear();
  setText(drafts.get(here) ?? "");
}

export function startComposer() {
  $("composer").addEventListener("submit", submit);
  field.addEventListener("input", () => {
    resize();
    offerCommands(field.value);
  });
  field.addEventListener("keydown", onkeydown);
  field.addEventListener("paste", onTransfer);
  $("chat").addEventListener("dragover", (event) => event.preventDefault());
  $("chat").addEventListener("drop", onTransfer);
  $("attach").addEventListener("click", attach);
  $("keys-button").addEventListener("click", toggleKeys);
  startCommands((text) => {
    setText("");
    send({ kind: "text", text }).catch(() => {});
    field.focus();
  }, setText);
  on("talk", changeTalk);
  on("messages", renderKeys);
  on("reply", ({ message, part }) => quote({ message, part, edit: false }));
  on("edit", startEdit);
  on("blocked", renderBlocked);
  $("unblock").addEventListener("click", () => post("/api/block", { ...address(), blocked: false }).catch(() => {}));
  on("write", () => field.focus());
}
