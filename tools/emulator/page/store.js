// The state of the page, and events about its changes.

export const store = {
  users: [],
  bots: [],
  groups: [],
  channels: [],
  admins: [],
  functions: [],
  jobs: [],
  clock: null,
  switches: {},
  apiFaults: [],
  user: null,
  talk: null,
  topics: [],
  subscriptions: [],
  unread: new Map(),
};

const bus = new EventTarget();

/** Calls `listener(detail)` at every event `name`. */
export function on(name, listener) {
  bus.addEventListener(name, (event) => listener(event.detail));
}

export function emit(name, detail) {
  bus.dispatchEvent(new CustomEvent(name, { detail }));
}

export const userOf = (id) => store.users.find((user) => user.id === id);
export const botOf = (name) => store.bots.find((bot) => bot.name === name);
export const groupOf = (id) => store.groups.find((group) => group.id === id);

/** Whether a user is one of the bots' admins. */
export const isAdmin = (user) => store.admins.includes(user.id);

/** The commands a bot offers in this chat, in Telegram's order: the chat's own list before the general one, and
 * each in the user's language before the default language. */
export function commandsOf(bot, user, chat) {
  const commands = bot?.commands ?? {};
  const language = user?.language_code;
  const keys = [`chat:${chat}:${language}`, `chat:${chat}:`, language, ""];
  return keys.map((key) => commands[key]).find((list) => list?.length) ?? [];
}

/** The bot's description in the user's language, or in the default language. */
export const aboutOf = (bot, user) => bot.descriptions[user?.language_code] || bot.descriptions[""] || "";

/** The address of the open chat in a request. */
export function address() {
  const { bot, group } = store.talk;
  return { user: store.user.id, bot, ...(group ? { group } : {}) };
}

/** The open topic of the chat: its number, or null for the whole chat. */
export const threadOf = () => store.talk?.thread ?? null;

/** What can be done now with the subscription in Stars that has this charge. */
export const subscriptionOf = (charge) => store.subscriptions.find((one) => one.charges.includes(charge));

/** The chat's id in Telegram: the group's, or in private the user's own. */
export const chatId = () => store.talk.group ?? store.user.id;

/** Whether an event of the stream is about the open chat. */
export function isHere(event) {
  if (!store.talk || event.chat_id !== chatId()) return false;
  return Boolean(store.talk.group) || !event.bot || event.bot === store.talk.bot;
}

/** Two private chats of one user with two bots have the same id, so the bot is part of the key. */
export const unreadKey = (chat, bot) => (chat < 0 ? String(chat) : `${chat}/${bot}`);

export function chooseUser(id) {
  store.user = userOf(id);
  localStorage.setItem("user", id);
  const group = store.talk?.group && groupOf(store.talk.group);
  if (group && !group.members.includes(id)) store.talk = { bot: group.bots[0] ?? store.bots[0].name, group: null };
  openTalk(store.talk);
}

/** Opens the chat with a bot, or a group, as the current user. */
export function openTalk(talk) {
  store.talk = talk;
  store.topics = [];
  localStorage.setItem("talk", JSON.stringify({ bot: talk.bot, group: talk.group }));
  store.unread.delete(unreadKey(chatId(), talk.bot));
  emit("talk");
}
