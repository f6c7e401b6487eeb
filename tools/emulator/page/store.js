// What the page knows, and who wants to hear when it changes.

export const store = {
  people: [],
  bots: [],
  groups: [],
  channels: [],
  functions: [],
  jobs: [],
  troubles: {},
  person: null,
  talk: null,
  unread: new Map(),
};

const bus = new EventTarget();

/** Calls `listener(detail)` whenever `name` is told. */
export function on(name, listener) {
  bus.addEventListener(name, (event) => listener(event.detail));
}

export function tell(name, detail) {
  bus.dispatchEvent(new CustomEvent(name, { detail }));
}

export const personOf = (id) => store.people.find((person) => person.id === id);
export const botOf = (name) => store.bots.find((bot) => bot.name === name);
export const groupOf = (id) => store.groups.find((group) => group.id === id);

/** The commands a bot offers in this chat, as Telegram looks for them: the chat's own before everybody's, and
 * each in the person's language before all others. */
export function commandsOf(bot, person, chat) {
  const commands = bot?.commands ?? {};
  const language = person?.language_code;
  const keys = [`chat:${chat}:${language}`, `chat:${chat}:`, language, ""];
  return keys.map((key) => commands[key]).find((list) => list?.length) ?? [];
}

/** What a bot says of itself to this person, in their language where it has words for it. */
export const aboutOf = (bot, person) => bot.descriptions[person?.language_code] || bot.descriptions[""] || "";

/** What a request about the open chat must carry. */
export function address() {
  const { bot, group } = store.talk;
  return { person: store.person.id, bot, ...(group ? { group } : {}) };
}

/** The chat's number in Telegram: of the group, or in private the person's own. */
export const chatId = () => store.talk.group ?? store.person.id;

/** Whether an event of the stream is about the open chat. */
export function isHere(event) {
  if (!store.talk || event.chat_id !== chatId()) return false;
  return Boolean(store.talk.group) || !event.bot || event.bot === store.talk.bot;
}

/** Two chats of one person with two bots bear the same number, so the bot belongs to the key. */
export const unreadKey = (chat, bot) => (chat < 0 ? String(chat) : `${chat}/${bot}`);

export function choosePerson(id) {
  store.person = personOf(id);
  localStorage.setItem("person", id);
  const group = store.talk?.group && groupOf(store.talk.group);
  if (group && !group.members.includes(id)) store.talk = { bot: group.bots[0] ?? store.bots[0].name, group: null };
  openTalk(store.talk);
}

/** Opens the chat with a bot, or a group, as the current person. */
export function openTalk(talk) {
  store.talk = talk;
  localStorage.setItem("talk", JSON.stringify(talk));
  store.unread.delete(unreadKey(chatId(), talk.bot));
  tell("talk");
}
