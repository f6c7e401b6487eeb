// The arithmetic of the trace: which steps belong to which attempt, when each began, how long it took.

const WORK = new Set(["sql", "ai_call", "payment_call", "telegram_call"]);
const DELIVERIES = new Set(["webhook", "payment"]);
const SLACK = 0.05;

/** Steps are told when they end (`at`, in seconds), so the beginning is the end less what it took. */
export const beginning = (event) => event.at - (event.ms ?? 0) / 1000;

/**
 * Cuts the events of one update or callback into attempts: {webhook | null, steps, from, length}, times in seconds.
 * An attempt is told at its end too, so work after every known attempt stands in one that is still going on (webhook null).
 */
export function attempts(events) {
  const webhooks = events.filter((event) => DELIVERIES.has(event.kind)).sort((a, b) => beginning(a) - beginning(b));
  const list = webhooks.map((webhook) => ({ webhook, steps: [], from: beginning(webhook), to: webhook.at }));
  const open = { webhook: null, steps: [] };
  for (const event of events) {
    if (!DELIVERIES.has(event.kind)) (homeOf(event, list) ?? open).steps.push(event);
  }
  if (open.steps.length) {
    open.from = Math.min(...open.steps.map(beginning));
    open.to = Math.max(...open.steps.map((event) => event.at));
    list.push(open);
  }
  for (const one of list) one.steps = inOrder(one.steps, one.webhook);
  return list.map(({ webhook, steps, from, to }) => ({ webhook, steps, from, length: Math.max(to - from, 0.001) }));
}

const LOGGED = new Set(["sql", "ai_call", "payment_call"]);

/**
 * The steps by their beginnings. What a function did one after another is told by its log, which is read a little
 * late: no step ended after the delivery did, nor after the next one began. `at` is put right accordingly.
 */
function inOrder(steps, webhook) {
  let end = webhook?.at ?? Infinity;
  const right = new Map();
  for (const step of steps.filter(({ kind }) => LOGGED.has(kind)).reverse()) {
    right.set(step, { ...step, at: Math.min(step.at, end) });
    end = beginning(right.get(step));
  }
  return steps.map((step) => right.get(step) ?? step).sort((a, b) => beginning(a) - beginning(b) || a.id - b.id);
}

/** The attempt in which a step ended; what follows an answer (the method in it, a trouble) counts to the one before. */
function homeOf(event, list) {
  const during = list.findLast((one) => one.from <= event.at && event.at <= one.to + SLACK);
  if (during || WORK.has(event.kind)) return during;
  return list.findLast((one) => one.from <= event.at + SLACK) ?? list[0];
}

/** Whether a step says that something went wrong. Status 0 is a delivery without any answer. */
export function isError({ kind, status, detail }) {
  if (typeof status === "number") return status === 0 || status >= 400;
  if (kind === "log") return ["ERROR", "CRITICAL", "ALERT", "EMERGENCY"].includes(detail?.severity);
  return Boolean(detail?.error || detail?.sqlstate);
}

/** What an update says, in a few words: {who, what}. */
export function subject(update) {
  const [kind, body] = Object.entries(update ?? {}).find(([name]) => name !== "update_id") ?? [];
  if (!body) return null;
  const who = body.from?.first_name ?? body.chat?.title ?? "Someone";
  if (kind === "callback_query") return { who, what: `tapped “${labelOf(body)}”` };
  const text = body.text ?? body.caption;
  const thing = ["photo", "sticker", "voice", "document", "location", "contact"].find((name) => body[name]);
  const words = text ?? (thing ? `a ${thing}` : kind.replaceAll("_", " "));
  return { who, what: kind.startsWith("edited") ? `edited: ${words}` : words };
}

/** The label of the button that was tapped; its callback data where the message no longer has it. */
function labelOf({ data, message }) {
  const buttons = message?.reply_markup?.inline_keyboard?.flat() ?? [];
  return buttons.find((one) => one.callback_data === data)?.text ?? data ?? "a button";
}
