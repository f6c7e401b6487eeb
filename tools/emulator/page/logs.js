// Logs of the functions: the newest at the end, filtered by function, level and text.

import { get } from "./api.js";
import { $, copyText, h, icon, iconButton } from "./dom.js";
import { on, store, emit } from "./store.js";
import { tinted } from "./json.js";

const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"];
const POLL = 1500;
const KEPT = 1000;

const list = $("log-lines");
const filters = { function: "", level: "INFO", text: "" };
let last = 0;
let turn = 0;
let timer;

const isShown = () => document.body.dataset.panel === "logs" && !document.hidden;
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });

function render() {
  const field = (name, label, control) => h("label", { class: name === "text" ? "filter wide" : "filter" }, h("span", { class: "hidden" }, label), control);
  const choice = (name, label, options) => field(name, label, h("select", { onchange: (event) => change(name, event.target.value) },
    options.map(([value, words]) => h("option", { value, selected: filters[name] === value }, words))));
  $("log-tools").replaceChildren(
    choice("function", "Function", [["", "All functions"], ...store.functions.map(({ name }) => [name, name])]),
    choice("level", "Level", LEVELS.map((level) => [level, level === "DEBUG" ? "All levels" : `${level[0]}${level.slice(1).toLowerCase()} and up`])),
    field("text", "Search", h("input", { type: "search", placeholder: "Search", value: filters.text, oninput: (event) => search(event.target.value) })));
}

function search(text) {
  clearTimeout(timer);
  timer = setTimeout(() => change("text", text), 250);
}

function change(name, value) {
  filters[name] = value;
  last = 0;
  turn += 1;
  list.replaceChildren();
  load();
}

/** Fetches what was logged since the last line; the answer of an older filter is dropped. */
async function load() {
  const mine = turn;
  const query = Object.fromEntries(Object.entries(filters).filter(([, value]) => value));
  const answer = await get("/api/logs", { ...query, after: last || null, limit: 300 }).catch(() => null);
  if (!answer || mine !== turn) return;
  const near = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  list.append(...answer.lines.map(line));
  while (list.childElementCount > KEPT) list.firstElementChild.remove();
  last = answer.last ?? last;
  list.dataset.empty = list.childElementCount ? "" : filters.text || filters.level !== "DEBUG" ? "No lines match." : "Nothing logged yet.";
  if (near) list.scrollTop = list.scrollHeight;
}

function line(entry) {
  const node = h("div", { class: "log-line", data: { level: entry.severity } });
  const row = h("button", { type: "button", class: "log-row", "aria-expanded": "false", onclick: () => toggle(node, row, entry) },
    h("time", { class: "small", datetime: new Date(entry.at * 1000).toISOString() }, clock.format(new Date(entry.at * 1000))),
    h("span", { class: "log-level" }, entry.severity === "WARNING" ? "WARN" : entry.severity), h("span", { class: "log-function" }, entry.function), h("span", { class: "log-text" }, entry.message || entry.action || ""));
  node.append(row);
  return node;
}

function toggle(node, row, entry) {
  const open = row.getAttribute("aria-expanded") === "true";
  row.setAttribute("aria-expanded", String(!open));
  if (open) return node.lastElementChild.remove();
  const text = JSON.stringify(entry.fields ?? entry, null, 2);
  node.append(h("div", { class: "detail" },
    iconButton("copy", "Copy as JSON", () => copyText(text)),
    h("pre", { tabindex: 0 }, tinted(text)),
    entry.trace_id ? h("button", { type: "button", class: "quiet", onclick: () => emit("show-trace", entry.trace_id) }, icon("way"), "Show trace") : null));
}

export function startLogs() {
  render();
  on("state", render);
  on("panel", (name) => {
    if (name === "logs") load();
  });
  setInterval(() => isShown() && load(), POLL);
}
