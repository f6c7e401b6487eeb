// Tables of the database, read-only: pages of rows, sorted and filtered by one column.

import { get } from "./api.js";
import { $, copyText, h, icon, iconButton } from "./dom.js";
import { openPanel } from "./dialog.js";
import { tinted } from "./json.js";

const SIZE = 50;
const OPERATORS = [["eq", "equals"], ["ne", "is not"], ["contains", "contains"], ["gt", "greater than"], ["lt", "less than"], ["null", "is empty"], ["notnull", "is not empty"]];
const FAVORITES = ["users", "orders", "payments", "subscriptions", "telegram_updates"];

const place = $("tables");
let tables = [];
const view = { table: null, page: 1, order: null, direction: "desc", column: "", op: "eq", value: "" };
let answer = null;
let turn = 0;

const known = () => tables.find((one) => one.name === view.table);
const bare = (name) => name.replace(/^public\./, "");

/** Tables that are looked at most come first, the others by name. */
function sorted(list) {
  const rank = ({ name }) => (FAVORITES.includes(bare(name)) ? FAVORITES.indexOf(bare(name)) : FAVORITES.length);
  return [...list].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}

export async function openTables() {
  const { tables: list } = await get("/api/tables").catch(() => ({ tables: [] }));
  tables = sorted(list);
  if (!known()) view.table = tables[0]?.name ?? null;
  if (view.table) await load();
  else place.replaceChildren(h("p", { class: "nothing" }, "The database has no tables to show."));
}

function choose(table) {
  Object.assign(view, { table, page: 1, order: null, direction: "desc", column: "", value: "" });
  load();
}

async function load() {
  const mine = (turn += 1);
  place.setAttribute("aria-busy", "true");
  const filtered = view.column && (view.value || view.op.endsWith("null"));
  const filter = filtered ? { column: view.column, op: view.op, value: view.value } : {};
  const rows = await get("/api/tables/rows", { table: view.table, page: view.page, size: SIZE, order: view.order, direction: view.order ? view.direction : null, ...filter }).catch(() => null);
  if (mine !== turn) return;
  place.removeAttribute("aria-busy");
  if (rows) answer = rows;
  render();
}

function render() {
  const focused = place.contains(document.activeElement) ? document.activeElement.id : null;
  place.replaceChildren(tools(), grid(), pager());
  if (focused) $(focused)?.focus();
}

const select = (id, label, options, value, onchange) => h("label", { class: "filter" }, h("span", { class: "hidden" }, label),
  h("select", { id, onchange: (event) => onchange(event.target.value) }, options.map(([one, words]) => h("option", { value: one, selected: one === value }, words))));

function tools() {
  const columns = known()?.columns ?? [];
  const set = (name) => (value) => {
    Object.assign(view, { [name]: value, page: 1 });
    load();
  };
  const value = view.op.endsWith("null") || !view.column ? null : h("label", { class: "filter" }, h("span", { class: "hidden" }, "Value"),
    h("input", { id: "table-value", type: "search", placeholder: "Value", value: view.value, onchange: (event) => set("value")(event.target.value) }));
  return h("div", { class: "panel-tools" },
    select("table-name", "Table", tables.map(({ name, rows }) => [name, `${bare(name)} (${rows?.toLocaleString("en") ?? "?"})`]), view.table, choose),
    select("table-column", "Filter by", [["", "No filter"], ...columns.map(({ name }) => [name, name])], view.column, set("column")),
    view.column ? select("table-op", "Condition", OPERATORS, view.op, set("op")) : null, value,
    iconButton("retry", "Refresh", load, { id: "table-refresh" }));
}

function grid() {
  if (!answer?.rows.length) return h("p", { class: "nothing" }, view.column ? "No rows match." : "This table is empty.");
  return h("div", { class: "grid-frame", tabindex: 0, role: "region", "aria-label": `Rows of ${bare(view.table)}` }, h("table", { class: "grid" },
    h("thead", {}, h("tr", {}, answer.columns.map(heading))),
    h("tbody", {}, answer.rows.map((row) => h("tr", {}, row.map((value, at) => h("td", {}, cell(value, at, row))))))));
}

function heading(name) {
  const sortedBy = view.order === name;
  const column = known()?.columns.find((one) => one.name === name);
  return h("th", { scope: "col", "aria-sort": sortedBy ? `${view.direction}ending` : undefined, title: [column?.type, column?.comment].filter(Boolean).join(" · ") },
    h("button", {
      type: "button", id: `sort-${name}`,
      onclick: () => {
        Object.assign(view, { order: name, direction: sortedBy && view.direction === "desc" ? "asc" : "desc", page: 1 });
        load();
      },
    }, name, sortedBy ? icon("down", view.direction === "asc" ? "up" : "") : null));
}

/** A short value as text, a long one as a button that shows the whole row. */
function cell(value, at, row) {
  if (value === null) return h("span", { class: "none" }, "NULL");
  const hidden = known()?.columns.find((one) => one.name === answer.columns[at])?.hidden;
  if (hidden) return h("span", { class: "none" }, hidden);
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  if (text.length <= 40) return text;
  return h("button", { type: "button", class: "in-text", onclick: () => openRow(row) }, `${text.slice(0, 38)}…`);
}

function openRow(row) {
  const text = JSON.stringify(Object.fromEntries(answer.columns.map((name, at) => [name, row[at]])), null, 2);
  openPanel(bare(view.table), h("div", { class: "detail flush" }, iconButton("copy", "Copy as JSON", () => copyText(text)), h("pre", { tabindex: 0 }, tinted(text))));
}

function pager() {
  const first = (view.page - 1) * SIZE + 1;
  const count = answer?.rows.length ?? 0;
  const go = (step) => () => {
    view.page += step;
    load();
  };
  return h("div", { class: "pager" },
    h("span", { class: "small", role: "status" }, count ? `Rows ${first.toLocaleString("en")}–${(first + count - 1).toLocaleString("en")}` : ""),
    h("button", { type: "button", class: "secondary", id: "page-back", disabled: view.page === 1, onclick: go(-1) }, "Previous"),
    h("button", { type: "button", class: "secondary", id: "page-next", disabled: !answer?.has_more, onclick: go(1) }, "Next"));
}
