// The first screen of a chat: what this place is, and walkthroughs to start with.

import { openPanel } from "./dialog.js";
import { avatar, drawing, fullName, h, icon } from "./dom.js";
import { isFinished, isRunning, offered, start } from "./guide.js";
import { botOf, chatId, commandsOf, groupOf, store, emit } from "./store.js";

function openMenu(send) {
  const commands = commandsOf(botOf(store.talk.bot), store.user, chatId());
  if (commands.length) return emit("open-commands");
  return send({ kind: "text", text: "/start" });
}

/** The cord between the user and the chat. */
function line(name, id, color) {
  const jacks = [58, 118, 178].flatMap((cx) => [["circle", { class: "free", cx, cy: 18, r: 11 }], ["circle", { class: "hole", cx, cy: 18, r: 4 }]]);
  return h("div", { class: "line", "aria-hidden": "true" },
    avatar(fullName(store.user), store.user.id, store.user.color),
    drawing("0 0 236 92", [...jacks, ["path", { class: "cord", pathLength: 1, d: "M4 20C40 112 196 112 232 20" }]]),
    avatar(name, id, color, "bot"));
}

function walkthrough({ id, icon: name, title, about, steps }, onstart = () => {}) {
  const begin = () => {
    onstart();
    start(id).catch(() => {});
  };
  return h("button", { type: "button", class: "thing", onclick: begin },
    h("span", { class: "round" }, icon(name)), h("strong", {}, title), h("span", { class: "small" }, about),
    h("span", { class: "thing-steps small" }, isFinished(id) ? [icon("check"), "Done"] : `${steps.length} steps`));
}

/** Fills the empty chat's place for the current user and bot; `send` sends a message there. */
export function renderWelcome(place, send) {
  const { bot, group } = store.talk;
  const one = group ? groupOf(group) : botOf(bot);
  const name = group ? one.title : one.first_name;
  place.replaceChildren(
    line(name, group ?? bot, one.color),
    h("h2", { id: "welcome-title" }, `You’re ${store.user.first_name}. Say something to ${name}.`),
    ...(isRunning() ? [] : choices(group, send)));
}

/** What can be done in an empty chat; a running walkthrough says it itself. */
function choices(group, send) {
  const quick = (label, run) => h("button", { type: "button", class: "secondary", onclick: () => Promise.resolve(run()).catch(() => {}) }, label);
  return [
    h("p", {}, "This is Telegram on your own machine. Your bots run here for real, with a real database, and nothing leaves it."),
    h("div", { class: "quick" }, quick("Say hello", () => send({ kind: "text", text: "Hello! What can you do?" })), quick("Open the menu", () => openMenu(send))),
    ...(group ? [] : [h("h3", { class: "things-title" }, "Or follow a walkthrough"), h("div", { class: "things" }, offered().map((one) => walkthrough(one)))]),
  ];
}

/** Lists the walkthroughs, wherever the page is. */
export function openWalkthroughs() {
  const close = openPanel("Walkthroughs", h("div", { class: "things" }, offered().map((one) => walkthrough(one, () => close()))));
}

export function startWelcome() {
  for (const button of document.querySelectorAll(".open-walkthroughs")) button.addEventListener("click", openWalkthroughs);
}
