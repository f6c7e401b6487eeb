// The emulator's JSON API and its event stream: the only module that uses the network.

import { toast } from "./dom.js";

const TIMEOUT = 30_000;

/** Calls the emulator; a refusal is shown as a toast and thrown. */
async function request(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body ? JSON.stringify(body) : undefined,
      signal: AbortSignal.timeout(TIMEOUT),
    });
  } catch (error) {
    toast("The emulator doesn’t respond. Is `./switchboard up` still running?", "error");
    throw error;
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const sentence = answer.error ?? `The emulator returned ${response.status}.`;
  toast(sentence, "error");
  throw new Error(sentence);
}

export const get = (path, query = {}) => {
  const parameters = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== null && value !== undefined));
  return request("GET", `${path}?${parameters}`);
};

export const post = (path, body = {}) => request("POST", path, body);

const EVENTS = [
  "message", "edit", "delete", "reaction", "poll", "action", "draft", "callback_answer", "purchase", "delivery", "trace",
  "user", "group", "channel", "switches", "faults", "commands", "function", "block", "clock", "subscription", "topic",
];

/**
 * Listens to the stream. The browser reconnects by itself with the id of the last event it saw. `onstate("up" | "down",
 * again)` is called at every change; `again` is true after an interruption, when the shown state may be stale.
 *
 * A hidden page does not listen: browsers open six connections to a server, and with a stream in each of six tabs
 * nothing else would get through. It hears later what it missed.
 */
export function listen(onevent, onstate) {
  let source = null;
  let last = null;
  let interrupted = false;
  const open = () => {
    source = new EventSource(last === null ? "/api/events" : `/api/events?after=${last}`);
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => {
        last = event.lastEventId;
        onevent(name, JSON.parse(event.data));
      });
    }
    source.addEventListener("open", () => onstate("up", interrupted));
    source.addEventListener("error", () => {
      interrupted = true;
      onstate("down", true);
    });
  };
  const follow = () => {
    if (document.hidden === (source === null)) return;
    if (source === null) return open();
    interrupted = true;
    source.close();
    source = null;
  };
  document.addEventListener("visibilitychange", follow);
  follow();
}
