// The events between a Mini App and Telegram's apps: core.telegram.org/api/web-events. Telegram's own script does the same,
// but the pages run no scripts of others.

const TELEGRAM = /^https:\/\/([a-z0-9-]+\.)*telegram\.org$/;
const isFramed = window.parent !== window;

/** Whether one of Telegram's apps listens. */
export function isInTelegram() {
  return Boolean(window.TelegramWebviewProxy) || isFramed || typeof window.external?.notify === "function";
}

/** Sends an event. It holds no secret; besides, only Telegram's sites may frame the shell. */
export function tell(eventType, eventData = {}) {
  if (window.TelegramWebviewProxy) {
    window.TelegramWebviewProxy.postEvent(eventType, JSON.stringify(eventData));
  } else if (typeof window.external?.notify === "function") {
    window.external.notify(JSON.stringify({ eventType, eventData }));
  } else if (isFramed) {
    window.parent.postMessage(JSON.stringify({ eventType, eventData }), "*");
  }
}

/** Calls `handlers[type](data)` for the events of Telegram. */
export function listen(handlers) {
  const receive = (type, data) => {
    if (Object.hasOwn(handlers, type)) handlers[type](data ?? {});
  };
  // The names by which the apps call; the second and third are those of older ones.
  window.Telegram = { WebView: { receiveEvent: receive } };
  window.TelegramGameProxy = { receiveEvent: receive };
  window.TelegramGameProxy_receiveEvent = receive;
  window.addEventListener("message", ({ source, origin, data }) => {
    if (source !== window.parent || !TELEGRAM.test(origin)) return;
    let event;
    try {
      event = JSON.parse(data);
    } catch {
      return;
    }
    if (event?.eventType === "reload_iframe") {
      tell("iframe_will_reload");
      location.reload();
    } else if (event?.eventType) receive(event.eventType, event.eventData);
  });
}

/** Opens an address that is not ours: a chat in Telegram, anything else in a browser. */
export function openOutside(address) {
  if (!isInTelegram()) window.open(address, "_blank", "noopener,noreferrer");
  else if (["t.me", "telegram.me"].includes(address.hostname)) {
    tell("web_app_open_tg_link", { path_full: address.pathname + address.search });
  } else tell("web_app_open_link", { url: address.href });
}
