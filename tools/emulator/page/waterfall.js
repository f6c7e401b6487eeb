// One delivery as a waterfall: a section for each attempt, in it a bar for everything the attempt did.

import { copyText, duration, h, icon, iconButton, timeOf } from "./dom.js";
import { faultWords } from "./faults.js";
import { tinted } from "./json.js";

const KINDS = {
  queue: "Queue", verify: "Verify", sql: "Postgres", ai: "AI", payment_call: "Provider", delivery: "Bot API", log: "Log", fault: "Fault",
};
/** The kinds of single events of the stream that belong to no delivery. */
const LONE = { telegram_call: "delivery", reply: "delivery", ai_call: "ai" };
const TONES = { good: "good", expected: "busy", bad: "bad" };
/** A wait longer than this share of the work gets no place on the axis: the work would shrink to nothing. */
const LONGEST_WAIT = 2;

export const isError = (flow) => flow.is_error;
export const isEventError = ({ kind, status, detail }) => (typeof status === "number" ? status === 0 || status >= 400 : kind !== "log" && Boolean(detail?.error || detail?.sqlstate));

const statusOf = ({ status, error }) => (status === null || status === undefined ? "working" : status || error || "no response");

/** What a delivery came to: the answer of its last regular attempt, and how many attempts there were. */
export function outcome({ attempts, state, recovered }) {
  const last = attempts.findLast((one) => !one.note) ?? attempts.at(-1);
  if (!last) return h("span", { class: "pill", data: { tone: "busy" } }, state);
  const again = attempts.length > 1 ? ` ×${attempts.length}` : "";
  if (recovered) return h("span", { class: "pill", data: { tone: "busy" } }, `recovered${again}`);
  return pill(last, `${statusOf(last)}${again}`);
}

function pill(attempt, words) {
  const tone = attempt.status === null || attempt.status === undefined ? "busy" : TONES[attempt.outcome];
  return h("span", { class: "pill", data: { tone } }, words);
}

/** Everything an attempt did as one thin line, for a closed card. */
export function strip({ attempts }) {
  const spans = attempts.flatMap((one) => one.spans).filter((one) => one.ms && one.kind !== "queue");
  return spans.map((one) => h("i", { data: { kind: one.kind }, vars: { grow: Math.max(one.ms, 0.5) } }));
}

export const spent = ({ attempts }) => attempts.reduce((sum, one) => sum + one.length, 0) * 1000;

/** The attempts of a delivery. `opened` has the keys of open spans, `redraw` is called after a change. */
export function body(flow, opened, redraw) {
  const plain = flow.attempts.length === 1 && flow.attempts[0].outcome === "good" && !flow.attempts[0].note;
  const scale = Math.max(0.001, ...flow.attempts.map((one) => axis(one).length));
  return [plain ? scaleLine(scale) : null, ...flow.attempts.map((attempt) => section(attempt, { flow, scale, plain, opened, redraw }))].filter(Boolean);
}

const scaleLine = (scale) => h("div", { class: "way-scale", "aria-hidden": "true" }, h("span", {}, "0"), h("span", {}, duration(scale * 1000)));

/** Where an attempt's axis begins and how long it is: a short wait in the queue is part of it. */
function axis(attempt) {
  const wait = attempt.spans.find((one) => one.kind === "queue");
  const isShort = wait && wait.ms / 1000 <= attempt.length * LONGEST_WAIT;
  const from = isShort ? wait.from : attempt.from;
  return { from, length: attempt.from + attempt.length - from };
}

function section(attempt, view) {
  return h("section", { class: "attempt", data: { outcome: attempt.outcome } },
    view.plain ? null : h("h3", { class: "attempt-head" }, h("span", {}, attempt.label), pill(attempt, statusOf(attempt)), h("span", { class: "step-ms" }, duration(attempt.ms))),
    explanation(attempt),
    h("ol", { class: "steps" }, attempt.spans.map((span, at) => step(span, `${attempt.key}/${at}`, axis(attempt), view))));
}

function explanation({ explained, outcome: tone }) {
  if (!explained) return null;
  return h("div", { class: "explained", data: { tone: TONES[tone] } }, icon(tone === "bad" ? "alert" : "info"),
    h("p", {}, explained.why, h("span", { class: "small" }, explained.next)));
}

function step(span, key, { from }, { flow, scale, opened, redraw }) {
  const open = opened.has(key);
  const toggle = () => {
    if (!opened.delete(key)) opened.add(key);
    redraw();
  };
  const fault = span.kind === "fault" && faultWords(span.detail ?? {});
  return h("li", { class: "step", data: { kind: span.kind, ...(span.error ? { bad: "" } : {}) } },
    h("button", { type: "button", class: "step-line", "aria-expanded": String(open), data: { key }, onclick: toggle },
      h("span", { class: "jack", "aria-hidden": "true" }), h("span", { class: "kind" }, KINDS[span.kind] ?? span.kind),
      h("span", { class: "step-title" }, fault || span.title), h("span", { class: "step-status" }, span.error ? icon("alert") : null, facts(span)),
      h("span", { class: "step-ms" }, span.ms ? duration(span.ms) : ""), bar(span, from, scale)),
    open ? detail({ ...span, trace_id: flow.id }) : null);
}

/** The fact of a call that matters most: its status where it failed, tokens of the AI, the message that was sent. */
function facts({ kind, status, error, facts: known }) {
  if (error && status !== null && status !== undefined) return status === 0 ? "no response" : String(status);
  if (kind === "ai" && known.tokens) return `${known.tokens} tokens`;
  return kind === "delivery" && known.result?.startsWith("message") ? known.result : null;
}

function bar(span, from, scale) {
  if (!span.ms) return null;
  const start = Math.min(0.99, Math.max(0, (span.from - from) / scale));
  const width = Math.min(1 - start, span.ms / 1000 / scale);
  const long = span.kind === "queue" && span.from < from;
  return h("span", { class: "bar", "aria-hidden": "true", data: long ? { long: "" } : {} },
    h("i", { vars: long ? { from: "0%", width: "100%" } : { from: `${start * 100}%`, width: `${Math.max(width * 100, 0.8)}%` } }));
}

function detail(value) {
  const known = Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null && one !== undefined && !(typeof one === "object" && !Object.keys(one).length)));
  const text = JSON.stringify(known, null, 2);
  return h("div", { class: "detail" }, iconButton("copy", "Copy as JSON", () => copyText(text)), h("pre", { tabindex: 0 }, tinted(text)));
}

/** A single event that belongs to no delivery: a fault that was set, a call made by hand, a line of a log. */
export function lone(event, opened, redraw) {
  const key = String(event.id);
  const open = opened.has(key);
  const kind = LONE[event.kind] ?? event.kind;
  const bad = isEventError(event);
  const toggle = () => {
    if (!opened.delete(key)) opened.add(key);
    redraw();
  };
  return h("div", { class: "step", data: { kind, ...(bad ? { bad: "" } : {}) } },
    h("button", { type: "button", class: "step-line", "aria-expanded": String(open), data: { key }, onclick: toggle },
      h("span", { class: "jack", "aria-hidden": "true" }), h("span", { class: "kind" }, KINDS[kind] ?? kind),
      h("span", { class: "step-title" }, (event.kind === "fault" && faultWords(event.detail ?? {})) || event.title),
      h("span", { class: "step-status" }, bad ? icon("alert") : null, bad && event.status ? String(event.status) : null), h("span", { class: "step-ms" }, timeOf(event.at))),
    open ? detail(event) : null);
}
