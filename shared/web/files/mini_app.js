// The shell of a Mini App: it logs in with Telegram's signed data and shows the pages of the site with a bearer token,
// because a frame inside Telegram has no cookies. Links and forms become requests, and their answers replace the body.
// The address stays that of the shell, the only page that Telegram may frame; the history keeps the page in its state.

import { applyTheme } from "./mini_app_theme.js";
import { isInTelegram, listen, openOutside, tell } from "./mini_app_telegram.js";

const { bot, login, start, root, ended } = document.getElementById("mini-app").dataset;
const failures = document.getElementById("mini-app-failures").content;
const plainFetch = window.fetch.bind(window);
const launch = readLaunch();
let token = recall("token");
let here = new URL(start, location.href);
let shown = 0; // pages, so that a script of a page runs at each visit
let newest = 0; // of the requests; an older answer is dropped

// Storage of the tab. Where it is blocked, a reload asks to open the app again.

function recall(name) {
  try {
    return sessionStorage.getItem(`mini_app_${name}`) ?? "";
  } catch {
    return "";
  }
}

function remember(name, value) {
  try {
    sessionStorage.setItem(`mini_app_${name}`, value);
  } catch {
    // Only a reload needs it.
  }
}

/** What Telegram passes in the fragment, which then leaves the address: it holds the signed data. */
function readLaunch() {
  const values = new URLSearchParams(location.hash.slice(1));
  const theme = values.get("tgWebAppThemeParams") ?? recall("theme");
  if (values.has("tgWebAppThemeParams")) remember("theme", theme);
  if (location.hash) history.replaceState(history.state, "", location.pathname + location.search);
  return { data: values.get("tgWebAppData") ?? "", theme };
}

// Login.

function randomSecret() {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** What tells one launch from another: Telegram signs new data each time it opens the app, but not at each reload. */
function signature() {
  return new URLSearchParams(launch.data).get("hash") ?? "";
}

/** Exchanges the signed data for a token; returns what prevented it. The secret lets an attempt be repeated. */
async function logIn() {
  const body = JSON.stringify({ bot, init_data: launch.data, secret: randomSecret() });
  for (const pause of [1_000, 3_000, 0]) {
    try {
      const answer = await plainFetch(login, {
        method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" }, body,
      });
      if (answer.status < 500) {
        const found = await answer.json();
        token = found.token ?? "";
        remember("token", token);
        remember("signature", signature());
        return found.outcome === "opened" ? "" : found.outcome;
      }
    } catch {
      // Without a connection, the next try.
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return "offline";
}

// Requests of pages and of their scripts carry the token.

window.fetch = (input, options) => {
  const request = new Request(input, options);
  if (!token || new URL(request.url).origin !== location.origin) return plainFetch(request);
  request.headers.set("Authorization", `Bearer ${token}`);
  return plainFetch(new Request(request, { credentials: "omit" }));
};

/** Opens a page. `depth` is its place in the history; without one, a new entry is made. */
async function open(address, { depth, ...options } = {}) {
  const number = ++newest;
  document.documentElement.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, { ...options, headers: { Accept: "text/html" } });
    const target = new URL(answer.url);
    if (number !== newest) return;
    if (answer.status === 401 || target.pathname === ended) return fail("ended");
    if (!(answer.headers.get("Content-Type") ?? "").startsWith("text/html")) {
      if (!answer.ok) throw new Error("no page");
      return save(await answer.blob(), target);
    }
    const page = await answer.text();
    if (number !== newest) return;
    const isSame = options.method === "POST" && here.pathname === target.pathname;
    show(page, target);
    note(isSame ? history.state?.depth : depth);
  } catch {
    if (number === newest) warn("offline");
  } finally {
    if (number === newest) document.documentElement.removeAttribute("aria-busy");
  }
}

/** Puts a page into the document: body, title, language, styles, scripts. */
function show(html, address) {
  const next = new DOMParser().parseFromString(html, "text/html");
  const files = withhold(next, address);
  here = address;
  document.title = next.title;
  document.documentElement.lang = next.documentElement.lang;
  for (const link of next.head.querySelectorAll('link[rel="stylesheet"]')) {
    const known = [...document.styleSheets].some((sheet) => sheet.href === new URL(link.getAttribute("href"), address).href);
    if (!known) document.head.append(document.importNode(link));
  }
  const scripts = [...next.querySelectorAll('script[type="module"][src]')].map((one) => one.getAttribute("src"));
  document.body.replaceWith(document.adoptNode(next.body));
  for (const file of files) reveal(file);
  shown += 1;
  // A module runs once for each address, and the fragment is part of it.
  for (const source of scripts) import(`${new URL(source, address).href}#${shown}`);
  window.scrollTo(0, 0);
  document.querySelector("main")?.setAttribute("tabindex", "-1");
  document.querySelector("main")?.focus({ preventScroll: true });
}

/** Takes files for which a token is needed out of a page that is not shown yet; returns them with their addresses. */
function withhold(page, address) {
  const found = [];
  for (const element of page.querySelectorAll("img[src], video[src], track[src]")) {
    const source = new URL(element.getAttribute("src"), address);
    if (source.origin !== location.origin || source.pathname.startsWith(`${root}/assets/`)) continue;
    element.removeAttribute("src");
    found.push({ element, source });
  }
  return found;
}

async function reveal({ element, source }) {
  try {
    const answer = await fetch(source);
    if (!answer.ok) return;
    const address = URL.createObjectURL(await answer.blob());
    // A video reads its file while it plays.
    if (element.localName === "img") element.addEventListener("load", () => URL.revokeObjectURL(address), { once: true });
    element.src = address;
  } catch {
    // The page is complete without it.
  }
}

/** Saves what is no page: a certificate, a table. */
function save(content, address) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = address.pathname.split("/").pop();
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// History and the back button of Telegram.

function note(depth) {
  const state = { at: here.href, depth: depth ?? (history.state?.depth ?? 0) + 1 };
  const change = depth === undefined ? "pushState" : "replaceState";
  history[change](state, "", location.pathname + location.search);
  tell("web_app_setup_back_button", { is_visible: state.depth > 0 });
}

window.addEventListener("popstate", ({ state }) => {
  if (state?.at) open(ours(state.at), { depth: state.depth });
});

// Links and forms.

function isOurs(address) {
  return address.origin === location.origin && `${address.pathname}/`.startsWith(`${root}/`);
}

/** The page at an address that came from outside; the first page where it is not one of ours: the token goes with it. */
function ours(address) {
  const target = new URL(address, location.href);
  return isOurs(target) ? target : new URL(`${root}/`, location.href);
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest?.("a[href]");
  if (!link || link.protocol === "blob:") return;
  const target = new URL(link.getAttribute("href"), here);
  if (!/^https?:$/.test(target.protocol)) return;
  event.preventDefault();
  if (link.getAttribute("href").startsWith("#")) {
    const part = document.getElementById(decodeURIComponent(target.hash.slice(1)));
    part?.scrollIntoView();
    part?.focus();
  } else if (isOurs(target)) open(target);
  else openOutside(target);
});

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  const form = event.target;
  const by = event.submitter;
  const target = new URL(by?.getAttribute("formaction") ?? form.getAttribute("action") ?? here.href, here);
  if (!isOurs(target)) return;
  event.preventDefault();
  const data = new FormData(form);
  if (by?.name) data.append(by.name, by.value);
  if ((form.getAttribute("method") ?? "get").toLowerCase() !== "post") {
    target.search = new URLSearchParams(data);
    open(target);
  } else {
    const isUpload = form.getAttribute("enctype") === "multipart/form-data";
    // The answer is a page of its own or replaces this one, as the address that comes back says.
    open(target, { method: "POST", body: isUpload ? data : new URLSearchParams(data) });
  }
});

// What went wrong.

function sentence(kind) {
  const found = failures.querySelector(`[data-kind="${kind}"]`) ?? failures.querySelector('[data-kind="refused"]');
  return document.importNode(found, true);
}

/** Ends the app with a sentence. */
function fail(kind) {
  token = "";
  remember("token", "");
  document.querySelector("header.bar")?.remove();
  document.querySelector("main").replaceChildren(sentence(kind));
  document.documentElement.removeAttribute("aria-busy");
  tell("web_app_setup_back_button", { is_visible: false });
}

/** Says above the page that a request failed. */
function warn(kind) {
  const main = document.querySelector("main");
  main.querySelector(".mini-app-warning")?.remove();
  const warning = document.createElement("div");
  warning.className = "mini-app-warning";
  warning.append(sentence(kind));
  main.prepend(warning);
  window.scrollTo(0, 0);
}

listen({
  back_button_pressed: () => history.back(),
  theme_changed: ({ theme_params: theme }) => {
    remember("theme", JSON.stringify(theme));
    applyTheme(theme);
  },
  viewport_changed: ({ height }) => {
    if (height > 0) document.documentElement.style.setProperty("--viewport-height", `${height}px`);
  },
});

async function begin() {
  document.documentElement.dataset.miniApp = "";
  try {
    applyTheme(JSON.parse(launch.theme || "{}"));
  } catch {
    // Our own colours stay.
  }
  tell("iframe_ready", { reload_supported: true });
  tell("web_app_ready");
  tell("web_app_expand");
  tell("web_app_request_viewport");
  // Signed data opens one session, and Telegram's site puts the frame in anew with the data of before.
  if (launch.data && !(token && recall("signature") === signature())) {
    const failure = await logIn();
    if (failure) return fail(failure);
  }
  if (!token) return fail(isInTelegram() ? "refused" : "outside");
  const { at, depth } = history.state ?? {};
  await open(ours(at ?? start), { depth: depth ?? 0 });
}

begin();
