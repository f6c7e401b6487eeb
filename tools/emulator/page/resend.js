// Sends an update or a callback again: as it was, or edited, with a genuine or a wrong signature.

import { get, post } from "./api.js";
import { openPanel } from "./dialog.js";
import { h, toast } from "./dom.js";

const SIGNATURES = [["genuine", "Genuine"], ["wrong", "Wrong"], ["none", "None"]];
const NUMBERS = [["same", "Same: a redelivery"], ["next", "Next: a new update"]];

/** Opens the form of a delivery; without `edit` its body is shown, but sent as it was. */
export async function openResend(flow, edit) {
  const delivery = await get(`/api/deliveries/${flow.id}`).catch(() => null);
  if (!delivery) return;
  const area = h("textarea", { id: "resend-body", class: "code-area", rows: 14, spellcheck: "false", readonly: !edit, "aria-describedby": "resend-problem" }, delivery.body);
  const problem = h("p", { class: "problem", id: "resend-problem", role: "alert" });
  const signature = select("resend-signature", flow.kind === "update" ? "Webhook secret" : "Signature", SIGNATURES);
  const number = flow.kind === "update" && edit ? select("resend-number", "update_id", NUMBERS) : null;
  let warned = null;
  const send = h("button", { type: "submit", class: "primary" }, "Send");
  const form = h("form", {
    class: "resend", autocomplete: "off",
    onsubmit: async (event) => {
      event.preventDefault();
      problem.textContent = "";
      const text = area.value === delivery.body ? null : area.value;
      if (text !== null && flow.kind === "update" && !isJson(text) && warned !== text) {
        warned = text;
        problem.textContent = "This isn’t valid JSON. Send once more to deliver it anyway.";
        return;
      }
      send.disabled = true;
      await run(flow, { text, signature: signature.control.value, number: number?.control.value }, close).catch(() => {});
      send.disabled = false;
    },
  }, h("div", { class: "field" }, h("label", { for: "resend-body" }, "Body"), area), problem,
  h("div", { class: "pair-fields" }, signature.field, number?.field), h("div", { class: "dialog-feet" }, send));
  const close = openPanel(edit ? "Edit and send" : "Send again", h("p", { class: "small" }, flow.title), form);
  (edit ? area : send).focus();
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function select(id, label, options) {
  const control = h("select", { id }, options.map(([value, words]) => h("option", { value }, words)));
  return { control, field: h("div", { class: "field" }, h("label", { for: id }, label), control) };
}

async function run(flow, { text, signature, number }, close) {
  const { attempt } = await post("/api/deliveries/resend", { id: flow.id, signature, ...(text === null ? {} : { body: text }), ...(number ? { number } : {}) });
  close();
  toast(`The function returned ${attempt.status || attempt.error || "no response"}.`, attempt.outcome === "bad" ? "error" : "info");
}
