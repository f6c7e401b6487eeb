// Runs a SQL function as one of the roles that programs have, with a form for its arguments.

import { get, post } from "./api.js";
import { $, copyText, duration, h, icon, iconButton } from "./dom.js";
import { tinted } from "./json.js";
import { store } from "./store.js";

const place = $("sql");
const typed = new Map();
let roles = [];
let functions = [];
let chosen = null;
let role = "bot_backend";
let search = "";
let commit = true;
let result = null;

export async function openSql() {
  if (functions.length) return render();
  const answer = await get("/api/sql/functions").catch(() => null);
  if (!answer) return;
  ({ roles, functions } = answer);
  render();
}

const matching = () => functions.filter((one) => one.roles.includes(role) && one.name.includes(search.trim().toLowerCase()));

function render() {
  const focused = place.contains(document.activeElement) ? document.activeElement.id : null;
  place.replaceChildren(chosen ? runner() : picker());
  if (focused) $(focused)?.focus();
}

/* ---- choosing a function ---- */

function picker() {
  const list = h("div", { class: "sql-list" });
  const fill = () => list.replaceChildren(...options());
  fill();
  return h("div", { class: "sql-picker" },
    h("div", { class: "panel-tools" }, roleSelect(fill), h("label", { class: "filter wide" }, h("span", { class: "hidden" }, "Search"),
      h("input", {
        type: "search", id: "sql-search", placeholder: "Search functions", value: search,
        oninput: (event) => {
          search = event.target.value;
          fill();
        },
      }))),
    list);
}

function options() {
  const found = matching();
  if (!found.length) return [h("p", { class: "nothing" }, search ? `${role} can’t run a function with this name.` : `${role} can’t run any function.`)];
  return found.map((one) => h("button", { type: "button", class: "sql-option", onclick: () => choose(one) },
    h("span", { class: "sql-name" }, one.name), h("span", { class: "small" }, one.comment ?? "")));
}

function roleSelect(onchange) {
  return h("label", { class: "filter whole" }, h("span", { class: "hidden" }, "Role"),
    h("select", {
      id: "sql-role",
      onchange: (event) => {
        role = event.target.value;
        result = null;
        onchange();
      },
    }, roles.map((one) => h("option", { value: one, selected: one === role }, `as ${one}`))));
}

function choose(one) {
  chosen = one;
  result = null;
  render();
  place.querySelector("form input, form button[type=submit]")?.focus();
}

/* ---- running it ---- */

function runner() {
  const run = h("button", { type: "submit", class: "primary", id: "sql-run" }, "Run");
  const back = h("button", {
    type: "button", class: "quiet", id: "sql-back",
    onclick: () => {
      chosen = null;
      render();
      $("sql-search").focus();
    },
  }, icon("back"), "All functions");
  const form = h("form", {
    class: "sql-form", autocomplete: "off",
    onsubmit: (event) => {
      event.preventDefault();
      execute(form, run);
    },
  }, chosen.arguments.map(argument),
  h("div", { class: "sql-run" }, roleSelect(() => render()), h("label", { class: "check" },
    h("input", { type: "checkbox", checked: commit, onchange: (event) => (commit = event.target.checked) }), "Commit"), h("span", { class: "gap" }), run));
  return h("div", { class: "sql-runner" }, back, h("h3", { class: "sql-name" }, chosen.name),
    chosen.comment ? h("p", { class: "small" }, chosen.comment) : null, form, h("div", { id: "sql-result", role: "status" }, result ? shown(result) : null));
}

function argument({ name, type, required, default: preset }) {
  const key = `${chosen.name}.${name}`;
  const id = `sql-${name}`;
  const input = h("input", {
    id, name, type: "text", value: typed.get(key) ?? suggestion(name), required, placeholder: required ? "" : preset ?? "NULL", spellcheck: "false", autocapitalize: "off",
    oninput: (event) => typed.set(key, event.target.value),
  });
  return h("div", { class: "field" }, h("label", { for: id }, name, h("span", { class: "small" }, ` ${type}${required ? "" : ", optional"}`)), input);
}

/** Suggests the current user where an argument names one by the Telegram id. */
const suggestion = (name) => (name === "p_telegram_id" ? String(store.user.id) : "");

async function execute(form, button) {
  button.disabled = true;
  const values = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== "").map(([name, value]) => [name, parsed(name, String(value))]));
  result = await post("/api/sql/run", { function: chosen.name, role, arguments: values, commit }).catch(() => null);
  button.disabled = false;
  $("sql-result")?.replaceChildren(...(result ? [shown(result)] : []));
}

/** JSON and array arguments are read as JSON; everything else goes as it was typed, "null" as NULL. */
function parsed(name, value) {
  if (value === "null") return null;
  const type = chosen.arguments.find((one) => one.name === name)?.type ?? "";
  if (!/json|\[\]/.test(type)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function shown(answer) {
  return answer.ok ? succeeded(answer) : failed(answer);
}

function failed({ sqlstate, message, detail, hint, meaning, ms }) {
  return h("div", { class: "sql-failed" }, h("p", {}, h("span", { class: "pill", data: { tone: "bad" } }, sqlstate), h("span", { class: "small" }, ` ${duration(ms)}`)),
    h("p", { class: "sql-message" }, message), [meaning, detail, hint].filter(Boolean).map((words) => h("p", { class: "small" }, words)));
}

function succeeded({ columns, rows, ms, committed }) {
  const words = [`${rows.length} ${rows.length === 1 ? "row" : "rows"}`, duration(ms), committed ? "committed" : "rolled back"].join(" · ");
  const single = columns.length === 1 && rows.length === 1 ? rows[0][0] : rows.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at]])));
  const text = JSON.stringify(single, null, 2);
  return h("div", {}, h("p", {}, h("span", { class: "pill", data: { tone: "good" } }, "OK"), h("span", { class: "small" }, ` ${words}`)),
    h("div", { class: "detail flush" }, iconButton("copy", "Copy as JSON", () => copyText(text)), h("pre", { tabindex: 0 }, tinted(text))));
}
