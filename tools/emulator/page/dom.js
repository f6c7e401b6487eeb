// Small helpers around DOM nodes. Text always becomes a text node: nothing a bot or a user writes can become markup.

/** Builds an element: `on…` props are listeners, `data` fills the dataset, `vars` sets CSS variables, the rest are attributes. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "vars") for (const [key, one] of Object.entries(value)) node.style.setProperty(`--${key}`, one);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const $ = (id) => document.getElementById(id);

const SVG = "http://www.w3.org/2000/svg";

/** An icon of the sprite; decorative, so the control around it carries the words. */
export function icon(name, extra = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon ${extra}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** A small drawing of [tag, attributes] pairs. */
export function drawing(viewBox, shapes) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", viewBox);
  for (const [tag, attributes] of shapes) {
    const shape = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
    svg.append(shape);
  }
  return svg;
}

/** A button that is only an icon; `label` is its name and its tooltip. */
export function iconButton(name, label, onclick, extra = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...extra }, icon(name));
}

/** The verb for pressing something: a phone is tapped. */
export const press = matchMedia("(pointer: coarse)").matches ? "Tap" : "Click";

const TINTS = ["#b4533c", "#9a6a12", "#4f7a2c", "#147a6c", "#2d6f9e", "#5b62b5", "#8f4f94", "#a94868"];

/** A round picture with initials. A colour of the server's is used as it is; its ink is chosen for contrast. */
export function avatar(name, id, color, extra = "") {
  const tint = color || TINTS[Math.abs(hash(String(id))) % TINTS.length];
  return h("span", { class: `avatar ${extra}`.trim(), "aria-hidden": "true", vars: { tint, ink: inkOn(tint) } }, initials(name));
}

function initials(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((word) => [...word][0]).join("").toUpperCase() || "?";
}

function hash(text) {
  let value = 0;
  for (const char of text) value = (value * 31 + char.codePointAt(0)) | 0;
  return value;
}

/** White or near-black, whichever reads better on the tint (relative luminance as WCAG defines it). */
function inkOn(tint) {
  const hex = /^#([0-9a-f]{6})$/i.exec(tint);
  if (!hex) return "#ffffff";
  const channels = [0, 2, 4].map((at) => parseInt(hex[1].slice(at, at + 2), 16) / 255);
  const [r, g, b] = channels.map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.21 ? "#10201c" : "#ffffff";
}

export const fullName = (user) => [user.first_name, user.last_name].filter(Boolean).join(" ") || user.title || "Someone";

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const fullDate = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "medium" });

/** A `<time>` of seconds since 1970, shown as hours and minutes. */
export function timeOf(seconds) {
  const date = new Date(seconds * 1000);
  return h("time", { datetime: date.toISOString(), title: fullDate.format(date) }, clock.format(date));
}

/** "0.8 ms", "34 ms", "1.2 s": three significant figures are enough to compare. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`;
}

/** Shows a short note. `tone` is "info" or "error"; an error stays longer. */
export function toast(text, tone = "info") {
  const note = h("div", { class: "toast", data: { tone } }, icon(tone === "error" ? "alert" : "check"), h("span", {}, text));
  $("toasts").append(note);
  setTimeout(() => note.remove(), tone === "error" ? 8000 : 4000);
}

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied");
  } catch {
    toast("The browser did not allow copying.", "error");
  }
}

/** Moves the roving tabindex of a list with the arrow keys, Home and End. */
export function rove(list, selector) {
  list.addEventListener("keydown", (event) => {
    const items = [...list.querySelectorAll(selector)];
    const at = items.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (next === undefined || !items.length || event.target.matches("input, textarea")) return;
    event.preventDefault();
    const item = items[Math.max(0, Math.min(items.length - 1, next))];
    for (const one of items) one.tabIndex = one === item ? 0 : -1;
    item.focus();
  });
}
