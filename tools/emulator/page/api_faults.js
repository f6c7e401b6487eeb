// Faults of the Bot API: which calls fail, how, and how often.

import { get, post } from "./api.js";
import { openForm } from "./dialog.js";
import { h, icon, iconButton } from "./dom.js";
import { store } from "./store.js";

const PRESETS = [
  ["429 Too Many Requests", { kind: "rate_limit", retry_after: 5 }],
  ["Server error", { kind: "server_error" }],
  ["No response", { kind: "timeout" }],
  ["Answer lost", { kind: "answer_lost" }],
  ["Chat not found", { kind: "chat_not_found" }],
];
const NAMES = {
  rate_limit: "429 Too Many Requests", server_error: "500 server error", timeout: "no response", answer_lost: "answer lost",
  reset: "connection reset", slow: "slow answer",
};

const nameOf = ({ kind, status, description }) => NAMES[kind] ?? description ?? `status ${status}`;
const times = ({ count }) => (count === null ? "every call" : count === 1 ? "next call" : `next ${count} calls`);

/** A fault in one line: what fails, how, how often. */
export function faultLine(fault) {
  const method = fault.method === "*" ? "Bot API" : fault.method;
  return `${method}: ${nameOf(fault)}, ${times(fault)}`;
}

export const removeFault = (id) => post("/api/faults/clear", { id }).catch(() => {});

const add = (fault) => post("/api/faults", fault);

function row(fault) {
  const filters = [fault.text ? `text contains “${fault.text}”` : null, fault.retry_after ? `retry after ${fault.retry_after} s` : null, fault.used ? `used ${fault.used}×` : null];
  return h("div", { class: "action" },
    h("span", { class: "switch-words" }, h("strong", {}, faultLine(fault)), h("span", { class: "small" }, filters.filter(Boolean).join(" · "))),
    iconButton("close", `Remove: ${faultLine(fault)}`, () => removeFault(fault.id)));
}

async function openCustom() {
  const { kinds } = await get("/api/faults");
  openForm({
    title: "Bot API fault",
    note: "The next matching calls of your bots fail this way.",
    submit: "Add",
    fields: [
      { name: "kind", label: "Fault", options: kinds.map(({ kind, about }) => [kind, about.replace(/\.$/, "").replaceAll("`", "")]), value: "rate_limit" },
      { name: "method", label: "Method", hint: "Empty for any, else for example sendMessage", pattern: "[A-Za-z]*" },
      { name: "text", label: "Text contains", hint: "Optional" },
      { name: "count", label: "Calls", hint: "How many calls fail, or “always”", value: "1", pattern: "[1-9][0-9]*|always" },
      { name: "retry_after", label: "Retry after, seconds", hint: "Only for 429", pattern: "[0-9]*" },
    ],
    run: (values) => add(Object.fromEntries(Object.entries(values).filter(([, value]) => value))),
  });
}

/** The section of the faults panel. */
export function apiFaults() {
  const presets = PRESETS.map(([label, fault]) => h("button", { type: "button", class: "chip", onclick: () => add(fault).catch(() => {}) }, label));
  return [
    h("p", { class: "small" }, "Each preset hits the next call of any method once."),
    h("div", { class: "chips" }, presets, h("button", { type: "button", class: "chip", onclick: () => openCustom().catch(() => {}) }, icon("plus"), "Custom…")),
    ...store.apiFaults.map(row),
  ];
}
