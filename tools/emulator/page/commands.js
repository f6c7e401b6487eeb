// The list of commands: opened by the Menu button, or while the user types a "/".

import { $, h } from "./dom.js";
import { botOf, chatId, commandsOf, on, store } from "./store.js";

const list = $("commands");
const field = $("write");
const button = $("menu-button");
let chosen = 0;
let offered = [];
let choose = () => {};
let complete = () => {};

const all = () => (store.talk ? commandsOf(botOf(store.talk.bot), store.user, chatId()) : []);

/** Lists the commands that start with the text after the slash. Enter still sends the text as it was typed. */
export function offerCommands(text) {
  const word = /^\/(\w*)$/.exec(text);
  show(word ? all().filter((one) => one.command.startsWith(word[1].toLowerCase())) : [], -1);
}

/** Opens the list with an option marked, or with none (-1). */
function show(commands, first = 0) {
  offered = commands;
  list.hidden = !commands.length;
  button.setAttribute("aria-expanded", String(!list.hidden));
  list.replaceChildren(...commands.map((one, at) => h("div", {
    role: "option", id: `command-${at}`,
    onclick: () => run(at),
  }, h("span", { class: "command" }, `/${one.command}`), h("span", { class: "small" }, one.description))));
  mark(first);
}

function mark(at) {
  chosen = at;
  [...list.children].forEach((node, index) => node.setAttribute("aria-selected", String(index === at)));
  if (!offered[at]) return field.removeAttribute("aria-activedescendant");
  field.setAttribute("aria-activedescendant", `command-${at}`);
  list.children[at].scrollIntoView({ block: "nearest" });
}

function run(at) {
  const { command } = offered[at];
  show([]);
  choose(`/${command}`);
}

/** Handles a key of the text field while the list is open; returns true when it was meant for the list. */
export function commandKey(event) {
  if (list.hidden) return false;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) mark(chosen < 0 && step < 0 ? offered.length - 1 : (chosen + step + offered.length) % offered.length);
  else if (event.key === "Enter" && chosen >= 0) run(chosen);
  else if (event.key === "Tab" && !event.shiftKey) complete(`/${offered[Math.max(chosen, 0)].command} `);
  else if (event.key === "Escape") show([]);
  else return false;
  event.preventDefault();
  return true;
}

/** `onchoose(text)` sends a chosen command, `oncomplete(text)` only fills it in. */
export function startCommands(onchoose, oncomplete) {
  choose = onchoose;
  complete = oncomplete;
  button.addEventListener("click", () => {
    show(list.hidden ? all() : []);
    field.focus();
  });
  field.addEventListener("blur", () => setTimeout(() => {
    if (document.activeElement !== field && !list.matches(":hover")) show([]);
  }, 150));
  const refresh = () => {
    button.hidden = !all().length;
    show([]);
  };
  on("talk", refresh);
  on("state", refresh);
  on("open-commands", () => button.click());
}

