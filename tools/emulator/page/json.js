// JSON with colors.

import { h } from "./dom.js";

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi;

/** JSON with names, strings and numbers in different colors. */
export function tinted(text) {
  const pieces = [];
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [whole, string, colon] = match;
    pieces.push(text.slice(at, match.index), h("span", { data: { json: colon ? "name" : string ? "string" : "value" } }, whole));
    at = match.index + whole.length;
  }
  return [...pieces, text.slice(at)];
}
