// Telegram's formatted text: entities of {type, offset, length} counted in UTF-16 units, as JavaScript counts strings.

import { copyText, h, iconButton } from "./dom.js";

const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);
const PLAIN = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code" };

/** How far out an entity stands when several cover the same text: blocks, then links, then the rest. */
const rank = (entity) => (BLOCKS.has(entity.type) ? 0 : entity.type.includes("link") || entity.type === "url" ? 1 : 2);

/**
 * Renders text into nodes. `actions` says what a tap does: {command(text), invite(bot, parameter), mention(name)}.
 * Entities may nest and cross; a crossing one is cut in two at the edge it crosses.
 */
export function formatted(text, entities = [], actions = {}) {
  const known = entities
    .filter((one) => one.length > 0 && one.offset >= 0 && one.offset < text.length)
    .map((one) => ({ ...one, end: Math.min(text.length, one.offset + one.length) }));
  return span(text, 0, text.length, known, actions);
}

function span(text, start, end, entities, actions) {
  const fragment = document.createDocumentFragment();
  const queue = [...entities].sort(byPlace);
  let at = start;
  while (queue.length) {
    const outer = queue.shift();
    fragment.append(text.slice(at, outer.offset));
    const inside = [];
    for (let i = queue.length - 1; i >= 0; i -= 1) {
      if (queue[i].offset >= outer.end) continue;
      const [one] = queue.splice(i, 1);
      inside.push({ ...one, end: Math.min(one.end, outer.end) });
      if (one.end > outer.end) queue.push({ ...one, offset: outer.end });
    }
    queue.sort(byPlace);
    const content = span(text, outer.offset, outer.end, inside, actions);
    fragment.append(element(outer, content, text.slice(outer.offset, outer.end), actions));
    at = outer.end;
    // The block's own edge is the line break; a second one would leave an empty line.
    if (BLOCKS.has(outer.type) && text[at] === "\n" && !(queue[0]?.offset <= at)) at += 1;
  }
  fragment.append(text.slice(at, end));
  return fragment;
}

const byPlace = (a, b) => a.offset - b.offset || b.end - a.end || rank(a) - rank(b);

function element(entity, content, words, actions) {
  if (entity.type in PLAIN) return h(PLAIN[entity.type], {}, content);
  const special = SPECIAL[entity.type];
  return special ? special(entity, content, words, actions) : h("span", {}, content);
}

const SPECIAL = {
  spoiler: (entity, content) => spoiler(content),
  pre: (entity, content, words) => codeBlock(entity.language, content, words),
  blockquote: (entity, content) => h("blockquote", {}, content),
  expandable_blockquote: (entity, content) => foldedQuote(content),
  text_link: (entity, content, words, actions) => link(entity.url, content, actions),
  url: (entity, content, words, actions) => link(/^[a-z][a-z+.-]*:/i.test(words) ? words : `https://${words}`, content, actions),
  email: (entity, content, words) => h("a", { href: `mailto:${words}` }, content),
  mention: (entity, content, words, actions) => tappable(content, () => actions.mention?.(words.slice(1))),
  text_mention: (entity, content) => h("span", { class: "mention" }, content),
  hashtag: (entity, content) => h("span", { class: "mention" }, content),
  bot_command: (entity, content, words, actions) => tappable(content, () => actions.command?.(words)),
};

function tappable(content, onclick) {
  return h("button", { type: "button", class: "in-text", onclick }, content);
}

/** Opens Telegram's own links inside: an invite as the chat with that bot, an invoice as its payment; others in a new tab. */
export function follow(address, actions) {
  if (/^https:\/\/t\.me\/\$[\w-]+$/.test(address) && actions.pay) {
    actions.pay({ link: address });
    return true;
  }
  const invite = inviteOf(address);
  if (invite && actions.invite?.(invite.bot, invite.parameter)) return true;
  return false;
}

/** `{bot, parameter}` of https://t.me/<bot>?start=<parameter> or tg://resolve?domain=<bot>&start=…, else null. */
function inviteOf(address) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  const bot = url.protocol === "tg:" ? url.searchParams.get("domain") : url.pathname.slice(1);
  const ours = url.protocol === "tg:" || ["t.me", "telegram.me"].includes(url.hostname);
  return ours && /^\w+$/.test(bot ?? "") ? { bot, parameter: url.searchParams.get("start") ?? "" } : null;
}

function link(address, content, actions) {
  const safe = /^(https?|mailto|tg|tel):/i.test(address ?? "") ? address : null;
  if (!safe) return h("span", { class: "mention", title: address }, content);
  const onclick = (event) => {
    if (follow(safe, actions)) event.preventDefault();
  };
  return h("a", { href: safe, title: safe, target: "_blank", rel: "noopener noreferrer", onclick }, content);
}

function spoiler(content) {
  const node = h("span", { class: "spoiler", role: "button", tabindex: 0, "aria-label": "Hidden text, press to show" },
    h("span", { class: "spoiler-text", "aria-hidden": "true" }, content));
  const show = (event) => {
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    node.replaceWith(h("span", { class: "shown" }, ...node.firstChild.childNodes));
  };
  node.addEventListener("click", show);
  node.addEventListener("keydown", show);
  return node;
}

function codeBlock(language, content, words) {
  return h("div", { class: "code-block" },
    h("div", { class: "code-head" }, h("span", {}, language || "code"), iconButton("copy", "Copy the code", () => copyText(words))),
    h("pre", { tabindex: 0 }, h("code", {}, content)));
}

function foldedQuote(content) {
  const quote = h("blockquote", { class: "folded" }, content);
  const toggle = h("button", {
    type: "button", class: "fold", "aria-expanded": "false",
    onclick: () => {
      const open = quote.classList.toggle("folded");
      toggle.setAttribute("aria-expanded", String(!open));
      toggle.textContent = open ? "Show all" : "Show less";
    },
  }, "Show all");
  return h("div", { class: "quote" }, quote, toggle);
}
