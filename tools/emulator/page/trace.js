// The trace: live, a card for each update, callback or job, and in it a waterfall across its attempts.

import { get } from "./api.js";
import { $, duration, h, icon, iconButton } from "./dom.js";
import { openResend } from "./resend.js";
import { isHere, on, store, emit } from "./store.js";
import { body, isError, isEventError, lone, outcome, spent, strip } from "./waterfall.js";

const KEPT = 120;
const EMPTY = "Send a message: every step it takes shows up here live.";
const TARGETS = { update: "", callback: "payments", job: "scheduled" };
/** Steps of one delivery arrive within milliseconds: they are fetched together. */
const COLLECT = 80;
const NEWEST = 30;

const cards = new Map();
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
  const card = cardOf(event.trace_id ?? `alone-${event.id}`);
  card.event ??= event;
  if (event.trace_id) fetchSoon(card);
  else schedule(card);
}

function cardOf(key) {
  let card = cards.get(key);
  if (card) return card;
  card = { key, flow: null, event: null, open: null, opened: new Set(), node: h("article", { class: "way", hidden: true }) };
  cards.set(key, card);
  list.prepend(card.node);
  if (cards.size > KEPT) forget(cards.keys().next().value);
  return card;
}

function forget(key) {
  cards.get(key).node.remove();
  cards.delete(key);
}

const stale = new Set();
let fetching = false;

/** Fetches what changed; steps that arrive in the meantime are fetched once more afterwards. */
function fetchSoon(card) {
  stale.add(card);
  if (fetching) return;
  fetching = true;
  setTimeout(async () => {
    const wanted = [...stale];
    stale.clear();
    await refetch(wanted).catch(() => {});
    fetching = false;
    const [next] = stale;
    if (next) fetchSoon(next);
  }, COLLECT);
}

/** The newest deliveries come in one answer; an older one that goes on is fetched alone. */
async function refetch(wanted) {
  const { waterfalls } = await get("/api/waterfalls", { limit: NEWEST });
  for (const card of wanted) {
    card.flow = waterfalls.find((flow) => flow.id === card.key) ?? (card.flow && (await get(`/api/waterfalls/${card.key}`)));
    schedule(card);
  }
}

const dirty = new Set();

function schedule(card) {
  if (!dirty.size) requestAnimationFrame(drawDirty);
  dirty.add(card);
}

/** The newest update is open until the user closes it. */
function drawDirty() {
  const newest = [...cards.values()].findLast((card) => card.flow?.kind === "update");
  for (const card of cards.values()) {
    if (card.latest !== (card === newest)) dirty.add(card);
    card.latest = card === newest;
  }
  for (const card of dirty) draw(card);
  dirty.clear();
  filter();
}

async function load() {
  const [{ waterfalls }, { events }] = await Promise.all([get("/api/waterfalls", { limit: 100 }), get("/api/trace", { limit: 400 })]);
  const alone = events.filter((event) => !event.trace_id).map((event) => ({ at: event.at, event }));
  const flows = waterfalls.map((flow) => ({ at: flow.at, flow }));
  for (const { at, flow, event } of [...flows, ...alone].sort((a, b) => a.at - b.at)) {
    if (at <= clearedAt) continue;
    const card = cardOf(flow?.id ?? `alone-${event.id}`);
    Object.assign(card, flow ? { flow } : { event });
    schedule(card);
  }
}

/* ---- a card ---- */

function draw(card) {
  const focus = card.node.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const { flow } = card;
  const open = card.open ?? card.latest;
  card.node.classList.toggle("open", Boolean(flow && open));
  card.node.classList.toggle("lone", !flow);
  const redraw = () => draw(card);
  if (flow) card.node.replaceChildren(head(card, open), ...(open ? [actions(flow), ...body(flow, card.opened, redraw)].filter(Boolean) : []));
  else if (card.event) card.node.replaceChildren(lone(card.event, card.opened, redraw));
  if (focus) card.node.querySelector(`[data-key="${CSS.escape(focus)}"]`)?.focus();
}

/** "Anna: /start" as who → target, and what. */
function titleOf({ title, bot, kind }) {
  const at = title.indexOf(": ");
  const target = TARGETS[kind] || (store.bots.find((one) => one.name === bot)?.first_name ?? bot);
  if (at < 0) return { who: `Scheduler → ${target}`, what: title };
  return { who: `${title.slice(0, at)} → ${target}`, what: title.slice(at + 2) };
}

function head(card, open) {
  const { who, what } = titleOf(card.flow);
  const toggle = () => {
    card.open = !open;
    draw(card);
  };
  return h("button", { type: "button", class: "way-head", "aria-expanded": String(open), data: { key: "head" }, onclick: toggle },
    icon("chevron", "turn"),
    h("span", { class: "way-title" }, h("span", { class: "way-who" }, who), h("span", { class: "way-what" }, what)),
    h("span", { class: "way-facts" }, outcome(card.flow), h("span", { class: "small" }, duration(spent(card.flow)))),
    open ? null : h("span", { class: "strip", "aria-hidden": "true" }, strip(card.flow)));
}

function actions(flow) {
  if (flow.kind === "job") return null;
  const one = (name, label, run) => h("button", { type: "button", class: "quiet", data: { key: label }, onclick: run }, icon(name), label);
  return h("div", { class: "way-actions" }, one("retry", "Send again", () => openResend(flow, false)), one("pencil", "Edit and send", () => openResend(flow, true)));
}

/* ---- the tools above ---- */

/** Faults and callbacks belong to no chat and show with every one; jobs and calls made by hand only with all. */
function isInScope({ flow, event }) {
  if (all) return true;
  if (flow) return flow.kind === "callback" || (flow.kind === "update" && isHere(flow));
  return event.kind === "fault" || isHere(event);
}

function filter() {
  let visible = 0;
  for (const card of cards.values()) {
    const known = card.flow || (card.event && !card.event.trace_id);
    const failed = known && (card.flow ? isError(card.flow) : isEventError(card.event));
    card.node.hidden = !known || !isInScope(card) || (errorsOnly && !failed);
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
  clearedAt = Date.now() / 1000;
  held = [];
  cards.clear();
  list.replaceChildren();
  renderTools();
  filter();
}

/** Opens the card of an update, or of a trace, and brings it into view. */
function show(matches) {
  const card = [...cards.values()].find((one) => one.flow && matches(one.flow));
  emit("show-panel", "trace");
  if (!card) return;
  card.open = true;
  draw(card);
  if (card.node.hidden) {
    all = true;
    renderTools();
    filter();
  }
  card.node.scrollIntoView({ block: "start" });
  card.node.querySelector(".way-head").focus();
}

export function startTrace() {
  renderTools();
  filter();
  on("talk", filter);
  on("show-way", (update) => show((flow) => flow.update_id === update));
  on("show-trace", (id) => show((flow) => flow.id === id));
  on("stale", () => load().catch(() => {}));
  return load();
}
