// What a chat shows before its first message: what this place is, and three things to try.

import { post } from "./api.js";
import { avatar, drawing, fullName, h, icon, toast } from "./dom.js";
import { botOf, chatId, commandsOf, groupOf, store, tell } from "./store.js";

const THINGS = [
  {
    icon: "chat", title: "Say hello",
    note: "See your words go out and the answer come back, step by step.",
    run: (send) => send({ kind: "text", text: "Hello! What can you do?" }),
  },
  {
    icon: "menu", title: "Open the menu",
    note: "Every bot brings its commands, in the language of the person.",
    run: openMenu,
  },
  {
    icon: "bolt", title: "Break something",
    note: "Lose an answer on its way. Telegram asks again; you are answered once.",
    run: async (send) => {
      await post("/api/trouble", { name: "lose_response", value: 1 });
      toast("The next response will be lost. Watch Telegram ask again.");
      await send({ kind: "text", text: "Hello! Are you still there?" });
      tell("show-panel", "trace");
    },
  },
];

function openMenu(send) {
  const commands = commandsOf(botOf(store.talk.bot), store.person, chatId());
  if (commands.some((one) => one.command === "menu")) return send({ kind: "text", text: "/menu" });
  if (commands.length) return tell("open-commands");
  return send({ kind: "text", text: "/start" });
}

/** The cord between the person and whom they talk to. */
function line(name, id, color) {
  const jacks = [58, 118, 178].flatMap((cx) => [["circle", { class: "free", cx, cy: 18, r: 11 }], ["circle", { class: "hole", cx, cy: 18, r: 4 }]]);
  return h("div", { class: "line", "aria-hidden": "true" },
    avatar(fullName(store.person), store.person.id, store.person.color),
    drawing("0 0 236 92", [...jacks, ["path", { class: "cord", pathLength: 1, d: "M4 20C40 112 196 112 232 20" }]]),
    avatar(name, id, color, "bot"));
}

/** Fills the empty chat's place for the current person and bot; `send` says something there. */
export function renderWelcome(place, send) {
  const { bot, group } = store.talk;
  const one = group ? groupOf(group) : botOf(bot);
  const name = group ? one.title : one.first_name;
  place.replaceChildren(
    line(name, group ?? bot, one.color),
    h("p", { class: "eyebrow" }, `A new line to ${name}`),
    h("h2", { id: "welcome-title" }, `You are ${store.person.first_name}. Say something.`),
    h("p", {}, "This is Telegram on your own machine: your bots run here for real, with a real database, and nothing leaves it. "
      + "Write as any of the people, and watch beside the chat what each message sets in motion."),
    h("div", { class: "things" }, THINGS.map((thing) => h("button", {
      type: "button", class: "thing", onclick: () => Promise.resolve(thing.run(send)).catch(() => {}),
    }, h("span", { class: "round" }, icon(thing.icon)), h("strong", {}, thing.title), h("span", { class: "small" }, thing.note)))));
}
