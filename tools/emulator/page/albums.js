// Albums: consecutive messages of one media group stand together as one tile, the caption below.

import { h } from "./dom.js";
import { formatted } from "./entities.js";

/** Takes the messages out of their tiles again. */
export function unwrap(log) {
  for (const tile of log.querySelectorAll(".album")) tile.replaceWith(...tile.querySelectorAll(".message"));
}

/** Puts each album of a list of {message, node} into a tile of its own. */
export function wrap(list, actions) {
  for (const album of runs(list)) {
    const [{ node, message }] = album;
    const visual = album.every((one) => one.message.photo || one.message.video);
    const tile = h("div", { class: "album", role: "group", "aria-label": `Album of ${album.length}`, data: { side: node.dataset.side, count: album.length, ...(visual ? { visual: "" } : {}) } });
    node.before(tile);
    tile.append(h("div", { class: "album-items" }, album.map((one) => one.node)), ...caption(album, actions));
    tile.classList.toggle("first", node.classList.contains("first"));
    tile.dataset.group = message.media_group_id;
  }
}

function runs(list) {
  const found = [];
  for (const one of list) {
    const group = one.message.media_group_id;
    if (!group) continue;
    if (found.at(-1)?.[0].message.media_group_id === group) found.at(-1).push(one);
    else found.push([one]);
  }
  return found.filter((album) => album.length > 1);
}

/** The caption, as an app shows it: only when one message of the album has one. */
function caption(album, actions) {
  const captioned = album.filter(({ message }) => message.caption);
  if (captioned.length !== 1) return [];
  const [{ message }] = captioned;
  return [h("div", { class: "text album-caption", dir: "auto" }, formatted(message.caption, message.caption_entities ?? [], actions))];
}
