// The frame: theme, views of a narrow window, tabs of the inspector, skip links.

import { $, icon } from "./dom.js";
import { on, emit } from "./store.js";

const THEMES = { auto: ["auto", "Theme: system"], light: ["sun", "Theme: light"], dark: ["moon", "Theme: dark"] };
const PANELS = [...document.querySelectorAll(".panel-tabs [data-panel]")].map((tab) => tab.dataset.panel);

function renderTheme() {
  const theme = document.documentElement.dataset.theme ?? "auto";
  const [name, label] = THEMES[theme];
  $("theme").replaceChildren(icon(name));
  $("theme").setAttribute("aria-label", label);
  $("theme").title = label;
}

function nextTheme() {
  const order = Object.keys(THEMES);
  const next = order[(order.indexOf(document.documentElement.dataset.theme ?? "auto") + 1) % order.length];
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  localStorage.setItem("theme", next);
  renderTheme();
}

/** Shows "chat", "users", or a tab of the inspector by its name; a wide window shows all three beside each other. */
function show(name) {
  const isPanel = PANELS.includes(name);
  if (isPanel) document.body.dataset.panel = name;
  document.body.dataset.view = isPanel ? "panel" : name;
  for (const button of $("tabs").querySelectorAll("[data-view]")) {
    if (button.dataset.view === document.body.dataset.view) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  for (const tab of document.querySelectorAll(".panel-tabs button")) {
    const chosen = tab.dataset.panel === document.body.dataset.panel;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
  }
  if (isPanel) emit("panel", name);
}

function onTabKey(event) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  show(PANELS[(PANELS.indexOf(document.body.dataset.panel) + step + PANELS.length) % PANELS.length]);
  document.querySelector('.panel-tabs [aria-selected="true"]').focus();
}

function renderWide() {
  const wide = document.body.hasAttribute("data-wide");
  const label = wide ? "Make the inspector narrower" : "Make the inspector wider";
  $("widen").replaceChildren(icon(wide ? "narrower" : "wider"));
  $("widen").setAttribute("aria-label", label);
  $("widen").setAttribute("aria-pressed", String(wide));
  $("widen").title = label;
}

function startWide() {
  document.body.toggleAttribute("data-wide", localStorage.getItem("wide") === "yes");
  renderWide();
  $("widen").addEventListener("click", () => {
    localStorage.setItem("wide", document.body.toggleAttribute("data-wide") ? "yes" : "no");
    renderWide();
  });
}

function startTabs() {
  const tabs = document.querySelector(".panel-tabs");
  tabs.addEventListener("click", (event) => {
    const tab = event.target.closest("button");
    if (tab) show(tab.dataset.panel);
  });
  tabs.addEventListener("keydown", onTabKey);
  $("tabs").addEventListener("click", (event) => {
    const button = event.target.closest("[data-view]");
    if (button) show(button.dataset.view === "panel" ? document.body.dataset.panel : button.dataset.view);
  });
}

export function startFrame() {
  renderTheme();
  $("theme").addEventListener("click", nextTheme);
  startWide();
  startTabs();
  for (const link of document.querySelectorAll("[data-skip]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      show(link.dataset.skip);
      document.querySelector(link.hash).focus();
    });
  }
  on("show-panel", show);
  show("chat");
}
