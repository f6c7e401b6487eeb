// A poll or quiz in a message: the options to choose, then the result.

import { h, icon } from "./dom.js";
import { store } from "./store.js";

/** Builds a poll. A vote that cannot be changed shows the result. */
export function poll(one, message, actions) {
  const mine = message.votes?.[store.user.id] ?? [];
  const quiz = one.type === "quiz";
  const isOver = one.is_closed || (mine.length > 0 && !one.allows_revoting);
  const kind = `${one.is_anonymous ? "Anonymous " : ""}${quiz ? "quiz" : "poll"}`;
  const options = isOver ? one.options.map((option, at) => result(one, option, at, mine)) : choices(one, message, mine, actions);
  return h("div", { class: "poll", role: "group", "aria-label": one.question },
    h("strong", { dir: "auto" }, one.question),
    h("span", { class: "small" }, one.is_closed ? "Final results" : kind[0].toUpperCase() + kind.slice(1)),
    h("div", { class: "options" }, options),
    isOver && one.explanation ? h("p", { class: "explanation", dir: "auto" }, one.explanation) : null,
    h("span", { class: "small" }, one.total_voter_count === 1 ? "1 vote" : `${one.total_voter_count} votes`));
}

function choices(one, message, mine, actions) {
  if (!one.allows_multiple_answers) {
    return one.options.map((option, at) => h("button", {
      type: "button", class: "option", "aria-pressed": String(mine.includes(at)),
      onclick: () => actions.vote(message, mine.includes(at) ? [] : [at]),
    }, h("span", { class: "dot", "aria-hidden": "true" }), h("span", { dir: "auto" }, option.text)));
  }
  const chosen = new Set(mine);
  const send = h("button", { type: "button", class: "key", disabled: true, onclick: () => actions.vote(message, [...chosen].sort((a, b) => a - b)) }, "Vote");
  const boxes = one.options.map((option, at) => h("label", { class: "option" },
    h("input", {
      type: "checkbox", checked: chosen.has(at),
      onchange: (event) => {
        chosen[event.currentTarget.checked ? "add" : "delete"](at);
        send.disabled = chosen.size === 0 && mine.length === 0;
      },
    }), h("span", { dir: "auto" }, option.text)));
  return [...boxes, send];
}

function result(one, option, at, mine) {
  const share = one.total_voter_count ? Math.round((100 * option.voter_count) / one.total_voter_count) : 0;
  const isRight = one.correct_option_ids?.includes(at);
  const isMine = mine.includes(at);
  const tone = one.type !== "quiz" ? "plain" : isRight ? "right" : isMine ? "wrong" : "plain";
  const mark = tone === "right" ? "check" : tone === "wrong" ? "close" : isMine ? "check" : null;
  const words = [option.text, `${share}%`, isMine ? "your answer" : "", tone === "right" ? "right" : ""].filter(Boolean).join(", ");
  return h("div", { class: "option result", role: "img", "aria-label": words, data: { tone } },
    h("span", { class: "share" }, `${share}%`),
    h("span", { class: "answer" }, h("span", { dir: "auto" }, option.text), h("i", { class: "bar", vars: { share: `${share}%` } })),
    mark ? icon(mark) : null);
}
