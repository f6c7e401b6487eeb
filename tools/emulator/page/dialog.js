// The one dialog of the page: a short form, or an alert of a bot.

import { $, h, iconButton } from "./dom.js";

const dialog = $("dialog");

/**
 * Opens a form. Fields are {name, label, hint?, required?, pattern?, options?: [[value, words]], many?: [[value, words, checked]]}.
 * `run(values)` may refuse by throwing; the form then stays open with what was typed.
 */
export function openForm({ title, note, submit, fields, run }) {
  const button = h("button", { type: "submit", class: "primary" }, submit);
  const form = h("form", {
    autocomplete: "off",
    onsubmit: async (event) => {
      event.preventDefault();
      button.disabled = true;
      try {
        await run(valuesOf(form, fields));
        dialog.close();
      } catch {
        button.disabled = false;
      }
    },
  }, head(title), note ? h("p", { class: "small" }, note) : null, fields.map(control),
  h("div", { class: "dialog-feet" }, h("button", { type: "button", class: "secondary", onclick: () => dialog.close() }, "Cancel"), button));
  show(form);
  form.querySelector("input, select")?.focus();
}

/** Shows a callback answer with show_alert until it is closed. */
export function openAlert(title, text) {
  show(h("div", { class: "alert" }, head(title), h("p", { class: "alert-text" }, text),
    h("div", { class: "dialog-feet" }, h("button", { type: "button", class: "primary", onclick: () => dialog.close() }, "OK"))));
  dialog.querySelector(".primary").focus();
}

/** Shows any content under a title; returns a function that closes it. */
export function openPanel(title, ...content) {
  show(h("div", { class: "alert" }, head(title), content));
  return () => dialog.close();
}

function show(content) {
  dialog.replaceChildren(content);
  if (!dialog.open) dialog.showModal();
}

function head(title) {
  return h("div", { class: "dialog-head" }, h("h2", { id: "dialog-title" }, title), iconButton("close", "Close", () => dialog.close()));
}

function control(field) {
  if (field.many) {
    return h("fieldset", {}, h("legend", {}, field.label), h("div", { class: "checks" }, field.many.map(([value, words, checked]) =>
      h("label", { class: "check" }, h("input", { type: "checkbox", name: field.name, value, checked }), words))));
  }
  const id = `field-${field.name}`;
  const hint = field.hint ? h("span", { class: "small", id: `${id}-hint` }, field.hint) : null;
  const shared = { id, name: field.name, "aria-describedby": hint ? `${id}-hint` : undefined };
  const input = field.options
    ? h("select", shared, field.options.map(([value, words]) => h("option", { value, selected: value === field.value }, words)))
    : h("input", { ...shared, type: "text", value: field.value, required: field.required, maxlength: field.maxlength, pattern: field.pattern, autocapitalize: "off", spellcheck: "false" });
  return h("div", { class: "field" }, h("label", { for: id }, field.label), input, hint);
}

function valuesOf(form, fields) {
  const data = new FormData(form);
  return Object.fromEntries(fields.map(({ name, many }) => [name, many ? data.getAll(name) : String(data.get(name) ?? "").trim()]));
}

export function startDialog() {
  // A click beside the form lands on the dialog itself: the backdrop.
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}
