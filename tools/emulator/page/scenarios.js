// The walkthroughs of the first screen. Each runs on the real product; a step is done when the stream shows it.
//
// A step: {text, watch?, label?, act?(tools), done?(name, event, tools), when?()}. Without `done` it ends with its action.

import { press } from "./dom.js";
import { isAdmin, store } from "./store.js";

const admin = () => store.users.find(isAdmin);

/** Whether an event is a bot's message to a user, new or edited. */
const botSays = (name, event, id) => (name === "message" || name === "edit") && event.chat_id === id && event.from?.is_bot;
const buttons = (message) => message.reply_markup?.inline_keyboard?.flat() ?? [];
const isInvoice = (message) => Boolean(message.invoice) || buttons(message).some((one) => one.url?.startsWith("https://t.me/$"));
const isCheckout = (message) => buttons(message).some((one) => one.url?.includes("/checkout/"));
const isFault = (fault, on) => (name, event) => name === "switches" && Boolean(event[fault]) === on;
const has = (field, role) => (name, event, { idOf }) => name === "message" && event.chat_id === idOf(role) && Boolean(event[field]);

const opensShop = (role) => ({
  text: "Open the shop.", watch: "Watch the trace: products and prices come from Postgres.",
  label: "Send /buy", act: ({ send }) => send("/buy"),
  done: (name, event, { idOf }) => botSays(name, event, idOf(role)) && buttons(event).length > 0,
});

const becomesAdmin = (text, watch) => ({
  text, watch, label: "Switch to the admin", act: ({ become }) => become(admin().id),
  done: (name, user) => name === "became" && isAdmin(user),
});

export const SCENARIOS = [
  {
    id: "buy", icon: "cart", title: "Buy and refund", user: "Buyer", when: admin,
    about: "Pay with Stars, then refund it as the admin.",
    steps: [
      opensShop("Buyer"),
      {
        text: "Choose something to buy, then Telegram Stars.",
        watch: "Watch the trace: each button is an update of its own.",
        done: (name, event, { idOf }) => botSays(name, event, idOf("Buyer")) && isInvoice(event),
      },
      {
        text: `${press} Pay.`, watch: "Telegram asks the bot first (pre_checkout_query), then takes the Stars.",
        // Not before the bot's confirmation: until then the admin's list lacks the payment.
        done: (name, event, tools) => {
          if (has("successful_payment", "Buyer")(name, event, tools)) tools.note({ paid: true });
          return Boolean(tools.noted().paid) && botSays(name, event, tools.idOf("Buyer"));
        },
      },
      becomesAdmin("The purchase is active. Now refund it: switch to the admin.", "The buyer got a confirmation; /profile shows what was added."),
      {
        text: "List the buyer’s payments.", watch: "Admin commands only exist for admins. To anyone else this is an unknown command.",
        label: "Send /payments", act: ({ send, idOf }) => send(`/payments ${idOf("Buyer")}`),
        done: (name, event) => botSays(name, event, admin()?.id) && buttons(event).length > 0,
      },
      {
        text: `Open the payment, ${press.toLowerCase()} Refund and confirm.`,
        watch: "The refund is stored first and sent to Telegram after that, so a crash can’t refund twice.",
        done: has("refunded_payment", "Buyer"),
      },
      {
        text: "Refunded. Switch back to see the buyer’s side.", label: "Switch to the buyer",
        act: ({ become, idOf }) => become(idOf("Buyer")), done: (name, user, { idOf }) => name === "became" && user.id === idOf("Buyer"),
      },
    ],
    ending: "The buyer has the Stars back, and the purchase is gone.",
  },
  {
    id: "limit", icon: "gauge", title: "Reach the limit", user: "Free user",
    about: "Use up the daily requests of the free plan.",
    steps: [
      {
        text: "Use up today’s requests.", watch: "Each question is reserved before the AI is called. The last one never reaches the AI.",
        label: "Ask 26 questions", act: async ({ send, note }) => {
          note({ asked: 0 });
          for (let number = 1; number <= 26; number += 1) await send(`Question ${number}`);
        },
        done: (name, event, { idOf, note, noted }) => {
          if (name !== "message" || event.chat_id !== idOf("Free user") || !event.from?.is_bot) return false;
          note({ asked: (noted().asked ?? 0) + 1 });
          return noted().asked >= 26;
        },
      },
      {
        text: "Read the answer to question 26, then open the profile.", watch: "Trace: no AI call. The message says when requests reset and how to get more.",
        label: "Send /profile", act: ({ send }) => send("/profile"),
        done: (name, event, { idOf }) => botSays(name, event, idOf("Free user")),
      },
      {
        text: "Move the clock to the next day.", watch: "All jobs on the way run first. The whole emulator moves, and only forward.", when: () => Boolean(store.clock && !store.clock.cannot),
        label: "Move 1 day", act: ({ advance }) => advance("day"), done: (name, event) => name === "clock" && event.status === "ready",
      },
      {
        text: "Ask again.", watch: "A new day, new requests: the answer comes from the AI.", when: () => Boolean(store.clock && !store.clock.cannot),
        label: "Ask a question", act: ({ send }) => send("Good morning! What’s new?"),
        done: (name, event, { idOf }) => name === "message" && botSays(name, event, idOf("Free user")),
      },
    ],
    ending: "The limit held at exactly 25, and it counts across all your bots.",
  },
  {
    id: "referral", icon: "gift", title: "Invite a friend", user: "Inviter",
    about: "Share a referral link and get rewarded.",
    steps: [
      {
        text: "Get an invite link.", label: "Send /referral", act: ({ send }) => send("/referral"),
        done: (name, event, { idOf, note }) => {
          const code = botSays(name, event, idOf("Inviter")) && /start=(ref_[\w-]+)/.exec(JSON.stringify(event))?.[1];
          if (code) note({ code });
          return Boolean(code);
        },
      },
      {
        text: "Open the link as a new friend.", watch: "The link starts the bot with the code. There’s no reward yet.",
        label: "Open it as Friend", act: async ({ addUser, become, send, noted }) => {
          become((await addUser("Friend")).id);
          await send(`/start ${noted().code}`);
        },
        done: (name, event, { idOf }) => idOf("Friend") && botSays(name, event, idOf("Friend")),
      },
      {
        text: "Ask the friend’s first question.", watch: "The reward comes in the same transaction as the first request.",
        label: "Ask a question", act: ({ send }) => send("Hello! What can you do?"),
        done: (name, event, { idOf }) => botSays(name, event, idOf("Inviter")),
      },
      {
        text: "The inviter was rewarded. Switch back to read it.", label: "Switch to the inviter",
        act: ({ become, idOf }) => become(idOf("Inviter")), done: (name, user, { idOf }) => name === "became" && user.id === idOf("Inviter"),
      },
    ],
    ending: "Both got bonus requests, once. Opening the link again changes nothing.",
  },
  {
    id: "alarm", icon: "bell", title: "Alert the admin", user: "Buyer", when: admin,
    about: "Pay a wrong amount and see the alarm.",
    steps: [
      opensShop("Buyer"),
      {
        text: "Choose something to buy, then a card.", watch: "The order is stored before the provider is asked for a checkout page.",
        done: (name, event, { idOf }) => botSays(name, event, idOf("Buyer")) && isCheckout(event),
      },
      {
        text: `${press} Pay. On the checkout page, choose “Wrong amount” under Simulate.`,
        watch: "Half the price is paid: the payment is recorded, and nothing is added.",
        done: (name, event) => botSays(name, event, admin()?.id),
      },
      becomesAdmin("The alarm is out. Switch to the admin to read it.", "It was stored together with the payment, so it can’t get lost."),
    ],
    ending: "The admin knows what to do, and the buyer’s money is on record.",
  },
  {
    id: "down", icon: "database", title: "Lose the database", user: "Guest", faults: { database_down: false },
    about: "Chat without memory, then recover.",
    steps: [
      {
        text: "Turn the database off.", label: "Turn it off", act: ({ fault }) => fault("database_down", true), done: isFault("database_down", true),
      },
      {
        text: "Ask something.", watch: "Postgres is retried for 3 seconds, then the bot answers without memory.",
        label: "Ask a question", act: ({ send }) => send("Are you still there?"),
        done: (name, event, { idOf }) => botSays(name, event, idOf("Guest")),
      },
      {
        text: "Try to buy something.", watch: "Anything about money asks to try again later.",
        label: "Send /buy", act: ({ send }) => send("/buy"),
        done: (name, event, { idOf }) => botSays(name, event, idOf("Guest")),
      },
      {
        text: "Turn the database back on.", label: "Turn it on", act: ({ fault }) => fault("database_down", false), done: isFault("database_down", false),
      },
      {
        text: "Buy again.", watch: "No restart needed. The function checks the connection every few seconds: send it again if it’s still out.", label: "Send /buy", act: ({ send }) => send("/buy"),
        done: (name, event, { idOf }) => botSays(name, event, idOf("Guest")) && buttons(event).length > 1,
      },
    ],
    ending: "The bot kept answering, and it recovered on its own.",
  },
  {
    id: "twice", icon: "twice", title: "Deliver twice", user: "Guest", faults: { deliver_twice: 0 },
    about: "One update, two deliveries, one answer.",
    steps: [
      {
        text: "Make Telegram deliver the next update twice.", label: "Turn it on", act: ({ fault }) => fault("deliver_twice", 1), done: isFault("deliver_twice", true),
      },
      {
        text: "Ask something.", watch: "Both copies arrive at the same moment. The first one gets a lease, the second one a 503.",
        label: "Ask a question", act: ({ send, trace }) => send("Do you hear me twice?").then(trace),
        done: (name, event, { idOf }) => name === "delivery" && event.chat_id === idOf("Guest") && event.status === "delivered",
      },
    ],
    ending: "One answer, one request counted. The trace shows what each delivery got.",
  },
];
