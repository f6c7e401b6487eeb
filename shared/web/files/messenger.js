// Keeps the messenger up to date, sends without a reload, keeps drafts, and answers to the keyboard. Everything
// works without this script too, by forms and links.

import { offerReplies } from "./messenger_replies.js";
import { offerHelp } from "./messenger_ai.js";
import { listenToKeys } from "./messenger_keys.js";

const live = document.getElementById("live");
const talks = document.getElementById("talks");
const form = document.getElementById("composer");
const body = document.getElementById("body");
const thread = document.getElementById("thread");
const pane = document.getElementById("pane");
const failure = document.getElementById("failure");
const { number, me } = live.dataset;
const token = document.querySelector("input[name=csrf]")?.value ?? "";
const draftKey = `draft:${me}:${number}`;
const title = document.title;
let { cursor, version = "0" } = live.dataset;
let tag = "";
let viewing = {};
let timer = 0;

function at(step) {
  return live.dataset.at.replace(`/${number}/`, `/${number}/${step}`);
}

function post(step, values) {
  return fetch(at(step), {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRF-Token": token },
    body: JSON.stringify(values),
  });
}

function elements(html) {
  const found = new DOMParser().parseFromString(html, "text/html");
  return [...found.body.children];
}

// What is new ----------------------------------------------------------------------------------------------------

async function ask() {
  clearTimeout(timer);
  if (!live.isConnected) return;
  const address = new URL(live.dataset.changes, location.href);
  address.searchParams.set("after", cursor);
  if (thread) address.searchParams.set("version", version);
  try {
    const headers = { Accept: "application/json" };
    if (tag) headers["If-None-Match"] = tag;
    const answer = await fetch(address, { headers });
    if (answer.status === 401 || answer.status === 403) return;
    if (answer.status === 200) {
      tag = answer.headers.get("ETag") ?? "";
      show(await answer.json());
    }
  } catch {
    // Without a connection, the next try.
  }
  color();
  timer = setTimeout(ask, document.visibilityState === "visible" ? 3_000 : 15_000);
}

function show(news) {
  cursor = news.cursor;
  if (news.list !== undefined) {
    replaceList(news.list);
    document.title = news.unread ? `(${news.unread}) ${title}` : title;
  }
  viewing = news.viewing;
  showViewing();
  if (!thread) return;
  document.getElementById("viewers").textContent = news.viewers;
  if (news.state) document.getElementById("state").replaceChildren(...parsed(news.state));
  const actions = document.getElementById("actions");
  // A menu that is open, and the focus, stay.
  if (news.actions && !actions.querySelector("[open]") && !actions.contains(document.activeElement)) {
    actions.replaceChildren(...parsed(news.actions));
  }
  if (news.messages) {
    version = String(news.version);
    addMessages(elements(news.messages));
  }
}

// Who else has which conversation open.
function showViewing() {
  for (const one of talks.querySelectorAll(".talk")) {
    const names = viewing[one.dataset.number] ?? "";
    const mark = one.querySelector(".viewing");
    mark.hidden = !names;
    if (mark.textContent !== names) mark.textContent = names;
  }
}

function parsed(html) {
  return [...new DOMParser().parseFromString(html, "text/html").body.childNodes];
}

function replaceList(html) {
  const focused = document.activeElement?.closest?.(".talk")?.dataset.number;
  const top = talks.scrollTop;
  const fresh = elements(html);
  const known = new Set(fresh.map((one) => one.dataset.number));
  const rest = [...talks.querySelectorAll(".talk.is-more")].filter((one) => !known.has(one.dataset.number));
  talks.replaceChildren(...fresh, ...rest);
  talks.scrollTop = top;
  if (focused) talks.querySelector(`[data-number="${focused}"] a`)?.focus();
}

function addMessages(fresh) {
  const isAtEnd = pane.scrollTop > -80; // the pane is reversed: 0 is the end
  for (const one of fresh) {
    const old = document.getElementById(one.id);
    if (old) {
      if (old.querySelector("textarea")) continue; // it is being edited
      const day = old.querySelector(".day");
      if (day && !one.querySelector(".day")) one.prepend(day);
      old.replaceWith(one);
      continue;
    }
    const next = [...thread.children].find((other) => Number(other.dataset.seq) > Number(one.dataset.seq));
    thread.insertBefore(one, next ?? null);
    if (one.classList.contains("m-in")) announce(one);
  }
  withoutRepeatedDays();
  form.elements.seen_seq.value = thread.lastElementChild?.dataset.seq ?? "0";
  if (isAtEnd) pane.scrollTop = 0;
  if (document.visibilityState === "visible") read();
}

function announce(one) {
  const words = one.querySelector(".words")?.textContent ?? "";
  document.getElementById("news").textContent = `${one.querySelector(".who strong")?.textContent}: ${words}`;
}

function withoutRepeatedDays() {
  let last = "";
  for (const day of thread.querySelectorAll(".day")) {
    if (day.textContent === last) day.remove();
    else last = day.textContent;
  }
}

function read() {
  document.getElementById("read")?.remove();
  post("read", { seq: Number(form.elements.seen_seq.value) }).catch(() => {});
}

// Those who wait turn yellow, then red, while nothing else happens; an answer that never came is no longer being written.
function color() {
  for (const one of document.querySelectorAll("[data-until]")) {
    if (Number(one.dataset.until) < Date.now() / 1_000) one.remove();
  }
  const { warn, late } = live.dataset;
  for (const one of talks.querySelectorAll("[data-since]")) {
    const since = Number(one.dataset.since);
    const minutes = (Date.now() / 1_000 - since) / 60;
    one.classList.toggle("late", since > 0 && minutes >= Number(late));
    one.classList.toggle("warn", since > 0 && minutes >= Number(warn) && minutes < Number(late));
  }
}

// Longer lists ---------------------------------------------------------------------------------------------------

async function extend(link, take) {
  try {
    const answer = await fetch(link.href, { headers: { Accept: "application/json" } });
    if (answer.ok) return take(await answer.json());
  } catch {
    // The link still leads there.
  }
  location.href = link.href;
}

document.getElementById("more")?.addEventListener("click", (event) => {
  event.preventDefault();
  const link = event.currentTarget;
  extend(link, ({ html, more }) => {
    const fresh = elements(html);
    for (const one of fresh) one.classList.add("is-more");
    talks.append(...fresh);
    showViewing();
    if (more) link.href = more;
    else link.remove();
  });
});

const earlier = document.getElementById("earlier");
function goBack() {
  if (!earlier?.getAttribute("href") || earlier.dataset.busy) return;
  earlier.dataset.busy = "1";
  extend(earlier, (page) => {
    thread.prepend(...elements(page.html));
    withoutRepeatedDays();
    delete earlier.dataset.busy;
    earlier.href = page.earlier;
    if (!page.earlier) earlier.parentElement.remove();
  });
}
if (earlier) {
  earlier.addEventListener("click", (event) => { event.preventDefault(); goBack(); });
  new IntersectionObserver(([seen]) => { if (seen.isIntersecting && thread.children.length > 20) goBack(); }, { root: pane })
    .observe(earlier);
}

// Writing --------------------------------------------------------------------------------------------------------

let typedAt = 0;
let saving = 0;
const replies = form && offerReplies(form, changed);

function changed() {
  localStorage.setItem(draftKey, body.value);
  clearTimeout(saving);
  saving = setTimeout(() => { post("draft", { body: body.value }).catch(() => {}); }, 2_000);
  if (Date.now() - typedAt > 5_000 && body.value.trim() && form.elements.mode.value === "reply") {
    typedAt = Date.now();
    present(true);
  }
  replies.choose();
}

async function present(is_typing) {
  try {
    const answer = await post("view", { is_typing });
    if (answer.ok) document.getElementById("viewers").textContent = (await answer.json()).viewers;
  } catch {
    // The next call.
  }
}

function tell(words) {
  failure.hidden = !words;
  failure.textContent = words;
}

async function send(event) {
  event.preventDefault();
  const file = form.elements.file.files[0];
  if (file && file.size > 30_000_000) return tell(live.dataset.large);
  const button = document.getElementById("send");
  button.disabled = true;
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new FormData(form),
    });
    if (answer.headers.get("Content-Type") !== "application/json") return tell(live.dataset.lost);
    sent(await answer.json());
  } catch {
    tell(live.dataset.lost);
  } finally {
    button.disabled = false;
    body.focus();
  }
}

async function sent({ outcome, message, newer = [], reference }) {
  tell(message ?? "");
  if (outcome === "sent") {
    clearTimeout(saving);
    localStorage.removeItem(draftKey);
    const mode = form.elements.mode.value;
    form.reset();
    body.value = "";
    for (const name of ["reply_to", "canned"]) form.elements[name].value = "";
    form.elements.buttons.value = form.elements.send_at.value = "";
    form.elements.mode.value = mode;
    form.elements.reference.value = reference;
    for (const name of ["quote", "chosen"]) document.getElementById(name).hidden = true;
    document.getElementById("file-name").textContent = "";
    pane.scrollTop = 0;
  }
  tag = "";
  await ask();
  for (const seq of newer) document.getElementById(`m${seq}`)?.classList.add("is-newer");
}

if (form) {
  const kept = localStorage.getItem(draftKey);
  if (kept && failure.hidden && !form.elements.canned.value) body.value = kept;
  body.addEventListener("input", changed);
  body.addEventListener("keydown", (event) => {
    if (replies.takes(event)) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  form.addEventListener("submit", send);
  offerHelp({ live, form, thread, post, report: tell, changed });
  form.elements.file.addEventListener("change", ({ target }) => {
    document.getElementById("file-name").textContent = target.files[0]?.name ?? "";
  });
  for (const drop of form.querySelectorAll(".drop")) {
    drop.addEventListener("click", (event) => {
      event.preventDefault();
      const line = drop.parentElement;
      line.hidden = true;
      form.elements[line.id === "quote" ? "reply_to" : "canned"].value = "";
    });
  }
  thread.addEventListener("click", (event) => {
    const link = event.target.closest("a.reply");
    if (!link) return;
    event.preventDefault();
    const one = link.closest(".m");
    form.elements.reply_to.value = one.dataset.seq;
    const quote = document.getElementById("quote");
    quote.hidden = false;
    quote.querySelector("bdi").textContent = one.querySelector(".words")?.textContent ?? "";
    body.focus();
  });
  if (live.dataset.unread === "1" && document.visibilityState === "visible") read();
  present(false);
  const watching = setInterval(() => {
    if (!live.isConnected) clearInterval(watching);
    else if (document.visibilityState === "visible") present(Date.now() - typedAt < 5_000);
  }, 10_000);
}

// A click elsewhere closes a menu, and so does Escape.
function closeMenus(target) {
  for (const menu of document.querySelectorAll(".menu[open]")) {
    if (menu.contains(target)) continue;
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    menu.open = false;
  }
}

document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeMenus(null); });
listenToKeys(live, form, talks, replies);
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") ask(); });
color();
timer = setTimeout(ask, 1_000);
