// Reports what is watched in a lesson, each 20 seconds while it plays in a visible page, and once more when the page is left.

const EVERY = 20; // seconds
const lesson = document.getElementById("lesson");
const player = document.getElementById("player");
const { beat, csrf, playback } = lesson.dataset;
const resumeAt = Number(lesson.dataset.position);

let from = 0; // the part that was played since the last report, in seconds of the video
let at = 0;
let isPlaying = false;

function body() {
  const start = Math.floor(from);
  const end = Math.max(start, Math.floor(at));
  from = at;
  return new URLSearchParams({ csrf, playback, start, end, position: Math.floor(at) });
}

async function report() {
  if (at - from < 1) return;
  try {
    const answer = await fetch(beat, { method: "POST", headers: { Accept: "application/json" }, body: body() });
    if (answer.ok) show(await answer.json());
    else if (answer.status === 401) location.reload(); // the session ended
  } catch {
    // Without a connection, what was played is lost; watching goes on.
  }
}

function show({ outcome, completed, percent }) {
  if (outcome === "no_access") return location.reload(); // the page then says why
  const bar = lesson.querySelector(".finish progress");
  if (bar && percent !== null) bar.value = percent;
  if (completed && lesson.dataset.done === "0") {
    lesson.dataset.done = "1";
    document.getElementById("is-done").hidden = false;
    document.getElementById("rule")?.remove();
    lesson.querySelector(".finish a.next")?.classList.remove("second");
  }
}

// A position of the player: a jump begins a new part.
function reach(position) {
  if (!Number.isFinite(position)) return;
  if (position < at || position > at + 5) {
    if (isPlaying && at > from) report();
    from = position;
  }
  at = position;
}

if (player instanceof HTMLVideoElement) {
  player.addEventListener("loadedmetadata", () => {
    if (resumeAt > 5 && resumeAt < player.duration - 5) player.currentTime = resumeAt;
    from = at = player.currentTime;
  }, { once: true });
  player.addEventListener("timeupdate", () => {
    if (!player.seeking && document.visibilityState === "visible") reach(player.currentTime);
  });
  player.addEventListener("seeked", () => reach(player.currentTime));
  player.addEventListener("play", () => { isPlaying = true; });
  for (const name of ["pause", "ended"]) player.addEventListener(name, () => { report(); isPlaying = false; });
} else if (player) {
  // Players in frames say where they are in messages.
  from = at = resumeAt;
  const { origin } = player.dataset;
  player.addEventListener("load", () => {
    player.contentWindow.postMessage(JSON.stringify({ event: "listening", id: 1, channel: "widget" }), origin);
  });
  window.addEventListener("message", (message) => {
    if (message.origin !== origin || message.source !== player.contentWindow) return;
    let data = message.data;
    try {
      if (typeof data === "string") data = JSON.parse(data);
    } catch {
      return;
    }
    const found = data?.info ?? data?.data ?? data;
    if (typeof found?.playerState === "number") isPlaying = found.playerState === 1;
    if (typeof found?.currentTime === "number" && document.visibilityState === "visible") {
      isPlaying ||= typeof found.playerState !== "number" && found.currentTime > at;
      reach(found.currentTime);
    }
  });
} else {
  // A lesson to read: the seconds for which it is visible.
  from = at = resumeAt;
  isPlaying = true;
  setInterval(() => { if (document.visibilityState === "visible") at += 1; }, 1_000);
}

setInterval(() => { if (isPlaying && document.visibilityState === "visible") report(); }, EVERY * 1_000);
function leave() {
  if (at - from >= 1) navigator.sendBeacon(beat, body());
}
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") leave(); });
addEventListener("pagehide", leave);
