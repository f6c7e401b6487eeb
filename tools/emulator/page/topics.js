// The topics of a forum or of a private chat: one is open, or the whole chat.

import { post } from "./api.js";
import { openForm } from "./dialog.js";
import { $, h, icon, rove } from "./dom.js";
import { address, groupOf, on, store, emit, threadOf } from "./store.js";

const GENERAL = 1;
const bar = $("topics");

const isForum = () => Boolean(store.talk.group && groupOf(store.talk.group)?.forum);

/** Whether a message belongs to what is open. In a forum, what has no topic is in General. */
export function isInTopic(message) {
  const thread = threadOf();
  return thread === null || (message.message_thread_id ?? GENERAL) === thread;
}

/** The fields that send a message into the open topic; General has no number of its own. */
export const inTopic = () => (threadOf() && threadOf() !== GENERAL ? { thread: threadOf() } : {});

function open(thread) {
  store.talk = { ...store.talk, thread };
  render();
  emit("topic");
}

function chip({ thread, name, icon_color: color, closed }) {
  const chosen = threadOf() === thread;
  const mark = color ? h("i", { class: "topic-mark", "aria-hidden": "true", vars: { topic: `#${color.toString(16).padStart(6, "0")}` } }) : null;
  return h("button", { type: "button", class: "topic", "aria-pressed": String(chosen), tabindex: chosen ? 0 : -1, onclick: () => open(thread) },
    mark, h("span", {}, name), closed ? h("span", { class: "small" }, "closed") : null);
}

function render() {
  const shown = isForum() || store.topics.length > 0;
  bar.hidden = !shown;
  if (!shown) return;
  const whole = [{ thread: null, name: "All" }, ...(isForum() ? [{ thread: GENERAL, name: "General" }] : [])];
  bar.replaceChildren(...[...whole, ...store.topics].map(chip), h("button", { type: "button", class: "quiet", onclick: addTopic }, icon("plus"), "New topic"));
}

/** Asks for a name and makes a topic; in a private chat this switches the bot's topics on. */
export function addTopic() {
  openForm({
    title: "New topic",
    note: store.talk.group ? undefined : "Topics in private chats are a setting of the bot at @BotFather: the first topic turns it on.",
    submit: "Create",
    fields: [{ name: "name", label: "Name", required: true, maxlength: 128 }],
    run: async ({ name }) => {
      const made = await post("/api/topics", { ...address(), name });
      keep(made);
      open(made.thread);
    },
  });
}

function keep(topic) {
  const others = store.topics.filter((one) => one.thread !== topic.thread);
  store.topics = topic.deleted ? others : [...others, topic].sort((one, two) => one.thread - two.thread);
}

/** A topic of the open chat was made, renamed, closed or deleted. */
export function onTopic(topic) {
  keep(topic);
  if (topic.deleted && threadOf() === topic.thread) return open(null);
  render();
  emit("topic");
}

export function startTopics() {
  rove(bar, ".topic");
  for (const name of ["talk", "topics"]) on(name, render);
}
