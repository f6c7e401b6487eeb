// The emulator's JSON API and its stream of events. The only place of the page that talks to the network.

import { toast } from "./dom.js";

const PATIENCE = 30_000;

/** Asks the emulator; what it refuses is shown as a toast and thrown. */
async function request(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body ? JSON.stringify(body) : undefined,
      signal: AbortSignal.timeout(PATIENCE),
    });
  } catch (error) {
    toast("The emulator does not answer. Is `./switchboard up` still running?", "error");
    throw error;
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const sentence = answer.error ?? `The emulator answered ${response.status}.`;
  toast(sentence, "error");
  throw new Error(sentence);
}

export const get = (path, query = {}) => {
  const parameters = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== null && value !== undefined));
  return request("GET", `${path}?${parameters}`);
};

export const post = (path, body = {}) => request("POST", path, body);

const EVENTS = [
  "message", "edit", "delete", "action", "draft", "callback_answer", "purchase", "delivery", "trace",
  "person", "group", "channel", "trouble", "commands", "function",
];

/**
 * Listens to the stream. The browser itself reconnects and names the last event it saw; `onstate("up" | "down", again)`
 * tells when, `again` being true after an interruption, when what is shown may be stale.
 */
export function listen(onevent, onstate) {
  const source = new EventSource("/api/events");
  let interrupted = false;
  for (const name of EVENTS) {
    source.addEventListener(name, (event) => onevent(name, JSON.parse(event.data)));
  }
  source.addEventListener("open", () => onstate("up", interrupted));
  source.addEventListener("error", () => {
    interrupted = true;
    onstate("down", true);
  });
}
