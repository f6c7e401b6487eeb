// The database tab: tables to look at, and SQL functions to run.

import { $, h } from "./dom.js";
import { openSql } from "./sql.js";
import { on } from "./store.js";
import { openTables } from "./tables.js";

const VIEWS = { tables: ["Tables", openTables], sql: ["Functions", openSql] };
let view = "tables";

function show(name) {
  view = name;
  for (const one of Object.keys(VIEWS)) $(one).hidden = one !== view;
  $("database-tools").replaceChildren(h("div", { class: "choice", role: "group", "aria-label": "Database" }, Object.entries(VIEWS).map(([one, [label]]) =>
    h("button", {
      type: "button", "aria-pressed": String(one === view),
      onclick: () => {
        show(one);
        $("database-tools").querySelector('[aria-pressed="true"]').focus();
      },
    }, label))));
  VIEWS[view][1]();
}

export function startDatabase() {
  on("panel", (name) => {
    if (name === "database") show(view);
  });
}
