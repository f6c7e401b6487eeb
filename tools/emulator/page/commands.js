// The bot's commands: from the Menu button, or while a text that begins with "/" is being written.

import { $, h } from "./dom.js";
import { botOf, chatId, commandsOf, on, store } from "./store.js";

const list = $("commands");
const field = $("write");
const button = $("menu-button");
let chosen = 0;
let offered = [];
let choose = () => {};
let complete = () => {};

const all = () => (store.talk ? commandsOf(botOf(store.talk.bot), store.person, chatId()) : []);

/** Offers what fits the text: every command that begins with what stands after the slash. */
export function offerCommands(text) {
  const word = /^\/(\w*)$/.exec(text);
  show(word ? all().filter((one) => one.command.startsWith(word[1].toLowerCase())) : []);
}

function show(commands) {
  offered = commands;
  chosen = 0;
  list.hidden = !commands.length;
  button.setAttribute("aria-expanded", String(!list.hidden));
  list.replaceChildren(...commands.map((one, at) => h("div", {
    role: "option", id: `command-${at}`,
    onpointermove: () => mark(at),
    onclick: () => run(at),
  }, h("span", { class: "command" }, `/${one.command}`), h("span", { class: "small" }, one.description))));
  mark(0);
}

function mark(at) {
  chosen = at;
  [...list.children].forEach((node, index) => node.setAttribute("aria-selected", String(index === at)));
  if (!offered.length) return field.removeAttribute("aria-activedescendant");
  field.setAttribute("aria-activedescendant", `command-${at}`);
  list.children[at].scrollIntoView({ block: "nearest" });
}

function run(at) {
  const { command } = offered[at];
  show([]);
  choose(`/${command}`);
}

/** Lets the open list have a key of the text field; true when it took it. */
export function commandKey(event) {
  if (list.hidden) return false;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) mark((chosen + step + offered.length) % offered.length);
  else if (event.key === "Enter") run(chosen);
  else if (event.key === "Tab" && !event.shiftKey) complete(`/${offered[chosen].command} `);
  else if (event.key === "Escape") show([]);
  else return false;
  event.preventDefault();
  return true;
}

/** `onchoose(text)` sends a chosen command, `oncomplete(text)` only writes it. */
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

