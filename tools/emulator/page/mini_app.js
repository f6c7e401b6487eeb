// Opens a Mini App in another tab, as Telegram's apps open one: signed data of the user in the fragment.

import { post } from "./api.js";
import { address } from "./store.js";

/** Opens the address of a button; without one, that of the bot's menu button. */
export async function openMiniApp(url = "") {
  // Before the answer: a browser opens tabs only at a click.
  const tab = window.open("", "_blank");
  try {
    const theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    const opened = await post("/api/mini-app", { ...address(), url, theme });
    tab.opener = null;
    tab.location.replace(opened.url);
  } catch {
    tab?.close();
  }
}
