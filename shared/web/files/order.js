// Asks for the state of an order and shows it once it changes; without this script the page is reloaded.

const order = document.getElementById("order");
const until = Date.now() + 3_600_000;

async function ask() {
  if (!order.isConnected || order.dataset.is !== "open" || Date.now() > until) return;
  if (document.visibilityState === "visible") {
    try {
      const answer = await fetch(order.dataset.state, {
        headers: { Accept: "application/json", "If-None-Match": `"${order.dataset.tag}"` },
      });
      if (answer.ok) await show();
    } catch {
      // Without a connection, the next try.
    }
  }
  setTimeout(ask, 3_000);
}

async function show() {
  const page = await fetch(order.dataset.page, { headers: { Accept: "text/html" } });
  if (!page.ok) return;
  const fresh = new DOMParser().parseFromString(await page.text(), "text/html").getElementById("order");
  if (!fresh || fresh.dataset.tag === order.dataset.tag) return;
  order.replaceChildren(...fresh.childNodes);
  Object.assign(order.dataset, fresh.dataset);
}

ask();
