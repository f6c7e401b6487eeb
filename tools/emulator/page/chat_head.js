// The head of the chat: who it is with, who writes, and what can be done with the whole chat.

import { get, post } from "./api.js";
import { clockButton } from "./clock.js";
import { $, avatar, copyText, fullName, h, icon, iconButton } from "./dom.js";
import { openMenu } from "./menu.js";
import { openMiniApp } from "./mini_app.js";
import { addTopic } from "./topics.js";
import { openWalkthroughs } from "./welcome.js";
import { address, botOf, groupOf, on, userOf, store, emit } from "./store.js";

let blocked = false;

async function copyTranscript() {
  const { text } = await get("/api/transcript", { ...address(), format: "text" });
  copyText(text);
}

function renderHead() {
  const { bot, group } = store.talk;
  const one = group ? groupOf(group) : botOf(bot);
  const name = group ? one.title : fullName(one);
  const note = group
    ? [...one.members.map((id) => userOf(id)?.first_name), ...one.bots.map((each) => botOf(each)?.first_name)].filter(Boolean).join(", ")
    : `bot · @${one.username}`;
  const more = iconButton("more", "Chat menu", () => openMenu(more, [
    group ? null : { icon: "copy", label: "Copy bot link", run: () => copyText(`https://t.me/${one.username}?start=hello`) },
    group ? null : { icon: "link", label: "Open the website", run: () => window.open("/console/", "_blank", "noopener") },
    one.menu_url && !group ? { icon: "link", label: "Open the Mini App", run: () => openMiniApp() } : null,
    !group || one.forum ? { icon: "topic", label: "New topic…", run: addTopic } : null,
    { icon: "document", label: "Copy transcript", run: () => copyTranscript().catch(() => {}) },
    group || blocked ? null : { icon: "block", label: "Block the bot", run: () => post("/api/block", { ...address(), blocked: true }).catch(() => {}) },
    { icon: "trash", label: "Clear this chat", run: () => post("/api/reset-chat", address()).then(() => emit("reload-chat")).catch(() => {}) },
  ]), { "aria-haspopup": "menu" });
  $("chat-head").replaceChildren(
    avatar(name, group ?? bot, one.color),
    h("div", { class: "head-words" }, h("h2", {}, name), h("p", { class: "small" }, note)),
    h("button", { type: "button", class: "as", onclick: () => emit("show-panel", "users") },
      avatar(fullName(store.user), store.user.id, store.user.color, "tiny"), h("span", {}, "as ", h("strong", {}, store.user.first_name))),
    h("button", { type: "button", class: "clock walk", onclick: openWalkthroughs, "aria-label": "Walkthroughs", title: "Walkthroughs" }, icon("guide"), h("span", {}, "Walkthroughs")),
    clockButton(), more);
}

export function startChatHead() {
  on("talk", renderHead);
  on("blocked", (value) => {
    blocked = value;
  });
}
