// Users and chats: the current user, the others, bots and groups.

import { post } from "./api.js";
import { $, avatar, fullName, h, icon, rove } from "./dom.js";
import { openForm } from "./dialog.js";
import { aboutOf, chooseUser, isAdmin, on, openTalk, store, emit, unreadKey } from "./store.js";

const names = new Intl.DisplayNames(["en"], { type: "language" });
const LANGUAGES = ["en", "ru", "uk", "de", "es", "fr", "it", "pt-br", "tr", "uz", "kk", "ar", "fa", "hi", "id", "zh-hans", "ja"];

function language(code) {
  try {
    return code ? names.of(code) : "No language";
  } catch {
    return code;
  }
}

function renderYou() {
  const user = store.user;
  const note = [user.username ? `@${user.username}` : null, language(user.language_code)].filter(Boolean).join(" · ");
  $("you").replaceChildren(avatar(fullName(user), user.id, user.color, "large"),
    h("div", {}, h("p", { class: "eyebrow" }, "You are"), h("p", { class: "you-name" }, fullName(user), roleOf(user)), h("p", { class: "small" }, note)));
  document.title = `${user.first_name} · Switchboard`;
}

const roleOf = (user) => (isAdmin(user) ? h("span", { class: "role" }, "Admin") : null);

function row({ picture, name, role, note, selected, count, onclick, id }) {
  return h("div", { role: "option", class: "row", id, "aria-selected": String(selected), tabindex: selected ? 0 : -1, onclick,
    onkeydown: (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      onclick();
    } },
  picture, h("span", { class: "row-words" }, h("span", { class: "row-name" }, h("span", {}, name), role), h("span", { class: "small" }, note)),
  count ? h("span", { class: "badge", role: "img", "aria-label": `${count} unread` }, String(count)) : null);
}

/** Fills a list and keeps the focus on the same row. */
function fill(list, rows) {
  const focused = list.contains(document.activeElement) ? document.activeElement.id : null;
  list.replaceChildren(...rows);
  if (!rows.some((one) => one.tabIndex === 0) && rows[0]) rows[0].tabIndex = 0;
  if (focused) $(focused)?.focus();
}

function renderUsers() {
  const listed = store.users.filter((user) => !user.archived || user.id === store.user.id);
  fill($("user-list"), listed.map((user) => row({
    id: `user-${user.id}`,
    picture: avatar(fullName(user), user.id, user.color),
    name: fullName(user),
    role: roleOf(user),
    note: language(user.language_code),
    selected: user.id === store.user.id,
    count: waitingFor(user),
    onclick: () => chooseUser(user.id),
  })));
}

/** Unread messages in a user's private chats; those of a group are shown with the group. */
function waitingFor(user) {
  if (user.id === store.user.id) return 0;
  return store.bots.reduce((sum, bot) => sum + (store.unread.get(unreadKey(user.id, bot.name)) ?? 0), 0);
}

function renderTalks() {
  const bots = store.bots.map((bot) => row({
    id: `bot-${bot.name}`,
    picture: avatar(fullName(bot), bot.name, bot.color, "bot"),
    name: fullName(bot),
    note: aboutOf(bot, store.user) || `@${bot.username}`,
    selected: !store.talk.group && store.talk.bot === bot.name,
    count: store.unread.get(unreadKey(store.user.id, bot.name)),
    onclick: () => enter({ bot: bot.name, group: null }),
  }));
  const groups = store.groups.filter((group) => group.members.includes(store.user.id)).map((group) => row({
    id: `group-${group.id}`,
    picture: h("span", { class: "avatar group", "aria-hidden": "true" }, icon("users")),
    name: group.title,
    note: `${count(group.members, "user", "users")}, ${count(group.bots, "bot", "bots")}`,
    selected: store.talk.group === group.id,
    count: store.unread.get(unreadKey(group.id)),
    onclick: () => enter({ bot: group.bots[0] ?? store.bots[0].name, group: group.id }),
  }));
  fill($("talk-list"), [...bots, ...groups]);
}

const count = (list, one, many) => `${list.length} ${list.length === 1 ? one : many}`;

function enter(talk) {
  openTalk(talk);
  emit("show-panel", "chat");
}

function addUser() {
  openForm({
    title: "Add a user",
    note: "Someone new to your bots, with no history and no credits.",
    submit: "Add",
    fields: [
      { name: "first_name", label: "First name", required: true, maxlength: 64 },
      { name: "last_name", label: "Last name", maxlength: 64 },
      { name: "username", label: "Username", hint: "Optional. At least five Latin letters, digits or underscores", pattern: "@?[A-Za-z][A-Za-z0-9_]{4,31}" },
      { name: "language_code", label: "Telegram language", options: LANGUAGES.map((code) => [code, language(code)]), value: "en" },
    ],
    run: async (values) => {
      const body = Object.fromEntries(Object.entries(values).filter(([, value]) => value));
      if (body.username) body.username = body.username.replace(/^@/, "");
      const user = await post("/api/users", body);
      emit("added-user", user);
    },
  });
}

function addGroup() {
  openForm({
    title: "New group",
    note: "In a group, a bot only sees commands, replies to it and mentions of it, unless its privacy mode is off.",
    submit: "Create",
    fields: [
      { name: "title", label: "Name", required: true, maxlength: 128 },
      { name: "members", label: "Users", many: store.users.filter((user) => !user.archived).map((user) => [user.id, fullName(user), user.id === store.user.id]) },
      { name: "bots", label: "Bots", many: store.bots.map((bot) => [bot.name, fullName(bot), true]) },
      { name: "more", label: "Options", many: [["forum", "Topics (a forum)", false], ["admins", "Bots are administrators", false]] },
    ],
    run: async ({ title, members, bots, more }) => {
      const options = { forum: more.includes("forum"), admins: more.includes("admins") ? bots : [] };
      const group = await post("/api/groups", { title, members: members.map(Number), bots, ...options });
      emit("added-group", group);
    },
  });
}

/** Opens the channel of a link to join or leave it; its posts are not shown. Returns false when there is none. */
export function openChannel(name) {
  const channel = store.channels.find((one) => one.username?.toLowerCase() === name.toLowerCase());
  if (!channel) return false;
  const user = store.user;
  const isIn = channel.members.includes(user.id);
  openForm({
    title: channel.title,
    note: `@${channel.username}. ${user.first_name} ${isIn ? "is" : "isn’t"} subscribed.`,
    submit: isIn ? "Leave" : "Join",
    fields: [],
    run: () => post("/api/channel", { user: user.id, channel: channel.id, join: !isIn }),
  });
  return true;
}

export function startUsers() {
  const render = () => {
    renderYou();
    renderUsers();
    renderTalks();
  };
  for (const name of ["state", "talk", "unread"]) on(name, render);
  rove($("user-list"), ".row");
  rove($("talk-list"), ".row");
  $("add-user").addEventListener("click", addUser);
  $("add-group").addEventListener("click", addGroup);
}
