// A table whose rows become small cards on a phone; for screen readers it stays a table.
import { el, updateChildren } from "./dom.js";

// columns: [{ title, class, cell: (item) => child }]; a column without a title holds buttons.
export function table(label, columns) {
  const head = columns.map(({ title = "", class: kind }) =>
    el(
      "th",
      { scope: "col", role: "columnheader", class: kind },
      title || el("span", { class: "hidden" }, "Actions"),
    ),
  );
  const body = el("tbody", { role: "rowgroup" });
  const whole = el(
    "table",
    { class: "table stacks", role: "table", "aria-label": label },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, head)),
    body,
  );
  // Rows of the first drawing are not new.
  const row = (item, isNew) =>
    el(
      "tr",
      { role: "row", class: isNew && body.hasChildNodes() ? "new" : "" },
      columns.map((column) => cell(column, item)),
    );
  return { whole, fill: (items, keyOf) => updateChildren(body, items, keyOf, row) };
}

function cell({ title, class: kind = "", plain = false, cell: content }, item) {
  const label = plain ? null : title;
  return el("td", { role: "cell", class: kind, "data-label": label }, content(item));
}
