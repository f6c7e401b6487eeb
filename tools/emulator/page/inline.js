// Inline mode: what is typed after a bot's name, and the results that the bot offers.

import { post } from "./api.js";
import { openForm, openPanel } from "./dialog.js";
import { h } from "./dom.js";
import { address, on, store } from "./store.js";

/** Asks what to type, at which bot; the chat may be any. */
function openQuestion() {
  openForm({
    title: "Ask in inline mode",
    note: "In Telegram, you type @bot and words in any chat.",
    submit: "Show results",
    fields: [
      { name: "by", label: "Bot", options: store.bots.map((bot) => [bot.name, `@${bot.username}`]), value: store.talk.bot },
      { name: "query", label: "Question", maxlength: 256 },
    ],
    run: async ({ by, query }) => {
      const where = address();
      const answer = await post("/api/inline", { ...where, by, query });
      setTimeout(() => showResults(where, answer)); // the form closes first
    },
  });
}

function showResults(where, { query_id: id, results, timed_out: isLate }) {
  const choose = async (result) => {
    await post("/api/choose", { ...where, query_id: id, result_id: result.id });
    close();
  };
  const buttons = results.map((result) => h("button", { type: "button", class: "key", onclick: () => choose(result) }, h("span", { dir: "auto" }, result.title)));
  const none = isLate ? "The bot doesn’t answer." : "The bot offers nothing for this.";
  const close = openPanel("Results", buttons.length ? buttons : h("p", { class: "small" }, none));
}

export function startInline() {
  on("inline", openQuestion);
}
