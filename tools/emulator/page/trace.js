// The trace: live, a card for each update or callback, and in it a timeline for each delivery attempt.

import { get } from "./api.js";
import { $, copyText, duration, h, icon, iconButton, timeOf } from "./dom.js";
import { faultWords } from "./faults.js";
import { isHere, on, store, tell } from "./store.js";
import { attempts, beginning, isError, subject } from "./way.js";

const KINDS = {
  webhook: "Webhook", sql: "Postgres", ai_call: "AI", telegram_call: "Bot API", reply: "Reply",
  payment: "Callback", payment_call: "Provider", scheduler: "Scheduler", trouble: "Fault", log: "Log",
};
// Events of no chat, shown with every chat.
const ALWAYS = new Set(["trouble", "payment"]);
const KEPT = 120;
const EMPTY = "Send a message: every step it takes shows up here live.";

const cards = new Map();
const words = new Map();
const list = $("trace-list");
let all = localStorage.getItem("trace-all") === "yes";
let errorsOnly = false;
let paused = false;
let held = [];
let clearedAt = 0;

/* ---- what comes in ---- */

export function onTrace(event) {
  if (paused) {
    held.push(event);
    return renderTools();
  }
  take(event);
}

function take(event) {
  if (event.at <= clearedAt) return;
  const key = event.trace_id ?? `alone-${event.at}-${event.id}`;
  let card = cards.get(key);
  if (!card) {
    card = { key, events: [], open: null, opened: new Set(), node: h("article", { class: "way" }) };
    cards.set(key, card);
    list.prepend(card.node);
    if (cards.size > KEPT) forget(cards.keys().next().value);
  }
  if (card.events.some((one) => one.id === event.id)) return;
  card.events.push(event);
  schedule(card);
}

function forget(key) {
  cards.get(key).node.remove();
  cards.delete(key);
}

const dirty = new Set();

/** Several steps of one update come within a millisecond: they are drawn together. */
function schedule(card) {
  if (!dirty.size) requestAnimationFrame(drawDirty);
  dirty.add(card);
}

function drawDirty() {
  const newest = [...cards.values()].filter((card) => card.events.some((event) => event.update_id)).at(-1);
  for (const card of cards.values()) {
    const latest = card === newest;
    if (card.latest !== latest) dirty.add(card);
    card.latest = latest;
  }
  for (const card of dirty) draw(card);
  dirty.clear();
  filter();
}

async function load() {
  const { events } = await get("/api/trace", { limit: 400 });
  for (const event of events) take(event);
}

/* ---- a card ---- */

function draw(card) {
  const focus = card.node.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const parts = attempts(card.events);
  const scale = Math.max(...parts.map((part) => part.length));
  const open = card.open ?? card.latest;
  const lone = card.events.length === 1 && !card.events[0].trace_id;
  card.node.classList.toggle("open", open);
  card.node.classList.toggle("failed", card.events.some(isError));
  card.node.classList.toggle("lone", lone);
  card.node.replaceChildren(...(lone ? [step(card, card.events[0], null, scale)] : [head(card, parts, open), ...(open ? body(card, parts, scale) : [])]));
  if (focus) card.node.querySelector(`[data-key="${CSS.escape(focus)}"]`)?.focus();
}

function head(card, parts, open) {
  const first = card.events.find((event) => event.update_id) ?? card.events[0];
  const known = subject(card.events.find((event) => event.kind === "webhook" && event.detail?.update)?.detail.update) ?? words.get(first.update_id);
  const told = card.events.find((event) => event.kind === "payment");
  const bot = store.bots.find((one) => one.name === first.bot)?.first_name ?? first.bot;
  const spent = parts.reduce((sum, part) => sum + part.length, 0) * 1000;
  return h("button", {
    type: "button", class: "way-head", "aria-expanded": String(open), data: { key: "head" },
    onclick: () => {
      card.open = !open;
      draw(card);
    },
  }, icon("chevron", "turn"),
  h("span", { class: "way-title" },
    h("span", { class: "way-who" }, known ? `${known.who} → ${bot ?? "?"}` : told ? `${told.detail.provider} → payments` : first.title),
    h("span", { class: "way-what" }, known?.what ?? told?.title ?? KINDS[first.kind])),
  h("span", { class: "way-facts" }, outcome(parts), h("span", { class: "small" }, duration(spent))),
  open ? null : h("span", { class: "strip", "aria-hidden": "true" }, strip(parts)));
}

function outcome(parts) {
  const last = parts.at(-1);
  if (!last.webhook) {
    const working = last.steps.some((event) => event.update_id && event.kind !== "trouble");
    return working ? h("span", { class: "pill", data: { tone: "busy" } }, "working") : null;
  }
  const { status, detail } = last.webhook;
  const again = parts.length > 1 ? ` ×${parts.length}` : "";
  return h("span", { class: "pill", data: { tone: isError(last.webhook) ? "bad" : "good" } }, `${status || detail?.error || "no answer"}${again}`);
}

function strip(parts) {
  const steps = parts.flatMap((part) => part.steps).filter((event) => event.ms);
  return steps.map((event) => h("i", { data: { kind: event.kind }, vars: { grow: Math.max(event.ms, 0.5) } }));
}

function body(card, parts, scale) {
  return [h("div", { class: "way-scale", "aria-hidden": "true" }, h("span", {}, "0"), h("span", {}, duration(scale * 1000))),
    ...parts.map((part, at) => [
      parts.length > 1 ? h("h3", { class: "attempt" }, attemptName(part, parts[at - 1], at)) : null,
      h("ol", { class: "steps" },
        part.webhook ? step(card, part.webhook, part, scale) : null,
        part.steps.map((event) => step(card, event, part, scale)))]).flat().filter(Boolean)];
}

/** "Attempt 2, 1.2 s later": the pause shows how Telegram backs off. */
function attemptName(part, before, at) {
  const pause = before ? (part.from - before.from - before.length) * 1000 : 0;
  return `Attempt ${at + 1}${pause >= 1 ? `, ${duration(pause)} later` : ""}`;
}

function step(card, event, part, scale) {
  const open = card.opened.has(event.id);
  const bad = isError(event);
  return h(part ? "li" : "div", { class: "step", data: { kind: event.kind, ...(bad ? { bad: "" } : {}) } },
    h("button", {
      type: "button", class: "step-line", "aria-expanded": String(open), data: { key: String(event.id) },
      onclick: () => {
        if (!card.opened.delete(event.id)) card.opened.add(event.id);
        draw(card);
      },
    },
    h("span", { class: "jack", "aria-hidden": "true" }),
    h("span", { class: "kind" }, KINDS[event.kind] ?? event.kind),
    h("span", { class: "step-title" }, titleOf(event)),
    h("span", { class: "step-status" }, bad ? icon("alert") : null, statusWords(event)),
    h("span", { class: "step-ms" }, part ? duration(event.ms) : timeOf(event.at)),
    part && event.ms ? bar(event, part, scale) : null),
    open ? detail(event) : null);
}

const titleOf = ({ kind, title, detail }) => (kind === "trouble" && detail && faultWords(detail)) || title;

function statusWords({ status, kind }) {
  if (status === null || status === undefined || status === "ok") return null;
  if (status === 0) return kind === "log" ? null : "no answer";
  return String(status);
}

/** The place of a step in its attempt; all attempts of the update share the scale. */
function bar(event, part, scale) {
  const from = Math.min(0.99, Math.max(0, (beginning(event) - part.from) / scale));
  const width = Math.min(1 - from, event.ms / 1000 / scale);
  return h("span", { class: "bar", "aria-hidden": "true" }, h("i", { vars: { from: `${from * 100}%`, width: `${Math.max(width * 100, 0.8)}%` } }));
}

function detail(event) {
  const facts = { at: new Date(event.at * 1000).toISOString(), bot: event.bot, chat_id: event.chat_id, update_id: event.update_id, trace_id: event.trace_id };
  const known = Object.fromEntries(Object.entries({ ...facts, status: event.status, ms: event.ms, detail: event.detail }).filter(([, value]) => value !== null && value !== undefined));
  const text = JSON.stringify(known, null, 2);
  return h("div", { class: "detail" }, iconButton("copy", "Copy as JSON", () => copyText(text)), h("pre", { tabindex: 0 }, tinted(text)));
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi;

/** JSON with names, strings and numbers in different colors. */
function tinted(text) {
  const pieces = [];
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [whole, string, colon] = match;
    pieces.push(text.slice(at, match.index), h("span", { data: { json: colon ? "name" : string ? "string" : "value" } }, whole));
    at = match.index + whole.length;
  }
  return [...pieces, text.slice(at)];
}

/* ---- the tools above ---- */

function filter() {
  let visible = 0;
  for (const card of cards.values()) {
    const inScope = all || card.events.some((event) => ALWAYS.has(event.kind) || isHere(event));
    card.node.hidden = !inScope || (errorsOnly && !card.events.some(isError));
    visible += card.node.hidden ? 0 : 1;
  }
  list.classList.toggle("empty", !visible);
  list.dataset.empty = emptyWords();
}

function emptyWords() {
  if (errorsOnly) return all ? "No errors so far." : "No errors in this chat.";
  return cards.size && !all ? "Nothing in this chat yet. Choose “All” to see the other chats." : EMPTY;
}

function renderTools() {
  const choice = (label, value) => h("button", {
    type: "button", "aria-pressed": String(all === value),
    onclick: () => {
      all = value;
      localStorage.setItem("trace-all", all ? "yes" : "no");
      renderTools();
      filter();
    },
  }, label);
  const errors = h("button", {
    type: "button", class: "chip", id: "errors-only", "aria-pressed": String(errorsOnly),
    onclick: () => {
      errorsOnly = !errorsOnly;
      renderTools();
      filter();
      $("errors-only").focus();
    },
  }, icon("alert"), "Errors");
  const pause = iconButton(paused ? "play" : "pause", paused ? "Resume" : "Pause", togglePause, { id: "pause" });
  $("trace-tools").replaceChildren(
    h("div", { class: "choice", role: "group", "aria-label": "Chats" }, choice("This chat", false), choice("All", true)), errors,
    h("span", { class: "small gap" }, paused ? `Paused${held.length ? ` · ${held.length} new` : ""}` : ""),
    pause, iconButton("trash", "Clear", clear));
}

function togglePause() {
  paused = !paused;
  if (!paused) held.splice(0).forEach(take);
  renderTools();
  $("pause").focus();
}

function clear() {
  for (const card of cards.values()) for (const event of card.events) clearedAt = Math.max(clearedAt, event.at);
  held = [];
  cards.clear();
  list.replaceChildren();
  renderTools();
  filter();
}

/** Opens the card of an update and brings it into view. */
function show(update) {
  const card = [...cards.values()].find((one) => one.events.some((event) => event.update_id === update));
  tell("show-panel", "trace");
  if (!card) return;
  card.open = true;
  draw(card);
  card.node.scrollIntoView({ block: "start" });
  card.node.querySelector(".way-head").focus();
}

export function startTrace() {
  renderTools();
  filter();
  on("talk", filter);
  on("show-way", show);
  on("update-words", ({ update_id: id, ...known }) => words.set(id, known));
  on("stale", () => load().catch(() => {}));
  return load();
}
