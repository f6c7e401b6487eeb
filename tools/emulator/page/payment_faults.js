// Faults of the payment providers' APIs: which calls of the shop fail, how, and how often.

import { get, post } from "./api.js";
import { openForm } from "./dialog.js";
import { h, icon, iconButton } from "./dom.js";
import { on, store, emit } from "./store.js";

let known = { providers: [], kinds: [], faults: [] };

const nameOf = (key) => (key === "*" ? "All payment APIs" : known.providers.find((one) => one.key === key)?.name ?? key);
const times = (count) => (count === null ? "every call" : count === 1 ? "next call" : `next ${count} calls`);
const kindOf = ({ kind, status }) => (kind === "error" ? `status ${status}` : (known.kinds.find((one) => one.name === kind)?.label ?? kind).toLowerCase());

const lineOf = (fault) => `${nameOf(fault.provider)}: ${kindOf(fault)}, ${times(fault.count)}`;

async function change(path, body) {
  known = await post(path, body);
  emit("payment-faults");
}

const remove = (id) => change("/api/payment-faults/clear", { id }).catch(() => {});

const removeAll = () => change("/api/payment-faults/clear", {}).catch(() => {});

/** The fault that every provider has, if they have the same one: it is shown once. */
function common() {
  const [first, ...others] = known.faults;
  const isSame = first && known.faults.length === known.providers.length && others.every((one) => one.kind === first.kind && one.count === first.count && one.status === first.status);
  return isSame && others.length ? { ...first, provider: "*" } : null;
}

/** Active faults in one line each, with their undo. */
export function paymentFaults() {
  const all = common();
  return all ? [[lineOf(all), removeAll]] : known.faults.map((fault) => [lineOf(fault), () => remove(fault.id)]);
}

function row(fault, onremove) {
  const note = [fault.path ? `path contains “${fault.path}”` : null, fault.executed ? "carried out all the same" : null].filter(Boolean).join(" · ");
  return h("div", { class: "action" }, h("span", { class: "switch-words" }, h("strong", {}, lineOf(fault)), note ? h("span", { class: "small" }, note) : null),
    iconButton("close", `Remove: ${lineOf(fault)}`, onremove));
}

function openCustom() {
  openForm({
    title: "Payment API fault",
    note: "Calls of your backend to the provider fail this way. Checkout pages and webhooks keep working.",
    submit: "Add",
    fields: [
      { name: "provider", label: "Provider", options: [["*", "All providers"], ...known.providers.map(({ key, name }) => [key, name])] },
      { name: "kind", label: "Fault", options: known.kinds.map(({ name, label }) => [name, label]) },
      { name: "status", label: "Status", hint: "Only for an error response: 500 to 599, or 429", value: "503", pattern: "[45][0-9][0-9]" },
      { name: "path", label: "Path contains", hint: "Optional" },
      { name: "count", label: "Calls", hint: "Empty until you remove it", value: "1", pattern: "[1-9][0-9]{0,2}|1000" },
    ],
    run: ({ status, path, count, ...values }) => change("/api/payment-faults", {
      ...values, ...(values.kind === "error" ? { status: Number(status) } : {}), ...(path ? { path } : {}), count: count ? Number(count) : null,
    }),
  });
}

/** The section of the faults panel. */
export function paymentSection() {
  const down = () => change("/api/payment-faults", { provider: "*", kind: "reset", count: null }).catch(() => {});
  return [
    h("p", { class: "small" }, "Calls of your backend to the providers. Nothing is lost: orders are asked about again later."),
    h("div", { class: "chips" }, h("button", { type: "button", class: "chip", onclick: down }, "All APIs down"),
      h("button", { type: "button", class: "chip", onclick: openCustom }, icon("plus"), "Custom…")),
    ...(common() ? [row(common(), removeAll)] : known.faults.map((fault) => row(fault, () => remove(fault.id)))),
  ];
}

async function load() {
  known = await get("/api/payment-faults").catch(() => known);
  emit("payment-faults");
}

/** Fetches the faults when the panel opens, and whenever the emulator says that they changed. */
export function startPaymentFaults() {
  let before = "{}";
  on("panel", (name) => name === "faults" && "payments" in store.switches && load());
  on("switches", () => {
    const now = JSON.stringify(store.switches.payments ?? {});
    if (now !== before) load();
    before = now;
  });
}
