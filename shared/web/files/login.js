// Asks every two seconds whether the login was confirmed in the bot; without this script a button does.

const form = document.getElementById("login");
const until = Date.now() + 300_000;

async function ask() {
  if (Date.now() > until) return;
  if (document.visibilityState === "visible") {
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        headers: { Accept: "application/json" },
        body: new URLSearchParams(new FormData(form)),
      });
      if (answer.ok) {
        const { outcome, to } = await answer.json();
        if (outcome === "opened") return location.replace(to);
        if (outcome !== "waiting") return form.submit();
      } else if (answer.status === 403) return location.reload(); // logged in meanwhile, in another tab
    } catch {
      // Without a connection, the next try.
    }
  }
  setTimeout(ask, 2_000);
}

ask();
