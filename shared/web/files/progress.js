// Updates the progress of a broadcast while it changes; without this script the page is reloaded.

const progress = document.getElementById("progress");
const until = Date.now() + 3_600_000;

async function ask() {
  if (!progress.isConnected || progress.dataset.is !== "live" || Date.now() > until) return;
  if (document.visibilityState === "visible") {
    try {
      const answer = await fetch(progress.dataset.state, { headers: { Accept: "application/json" } });
      if (answer.ok && (await answer.json()).tag !== progress.dataset.tag) await show();
    } catch {
      // Without a connection, the next try.
    }
  }
  setTimeout(ask, 3_000);
}

async function show() {
  const page = await fetch(progress.dataset.page, { headers: { Accept: "text/html" } });
  if (!page.ok) return;
  const read = new DOMParser().parseFromString(await page.text(), "text/html").getElementById("progress");
  if (!read) return;
  if (read.dataset.is !== "live") return location.reload(); // other buttons
  progress.replaceChildren(...read.childNodes);
  Object.assign(progress.dataset, read.dataset);
}

ask();
