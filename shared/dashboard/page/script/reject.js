// One rejected row as it was sent, and its errors.
import { el } from "./dom.js";
import { source, value } from "./format.js";
import { fieldsOf } from "./platform.js";

const OPEN = ["rejected", "waiting"];

export function reject(row, ticked, actions) {
  const tick = el("input", {
    type: "checkbox",
    "aria-label": `Select row ${row.reject_id}`,
    checked: ticked.has(row.reject_id),
    on: {
      change: ({ target }) => {
        ticked[target.checked ? "add" : "delete"](row.reject_id);
        actions.ticked();
      },
    },
  });
  return el(
    "li",
    {},
    el("div", { class: "tick" }, tick),
    el(
      "div",
      {},
      el("p", { class: "origin" }, origin(row)),
      originalCells(row),
      row.errors.map((error) =>
        el("p", { class: "errors" }, `${title(error.field)}${error.message}`),
      ),
    ),
    OPEN.includes(row.status) &&
      el(
        "div",
        { class: "actions" },
        button(row, "Correct", actions.correct),
        button(row, "Discard", actions.discard),
      ),
  );
}

const title = (field) => (field === "_row" ? "" : `${field}: `);

function origin(row) {
  const { name, path } = source(row.source);
  const place = path ? `${name}, line ${row.position}` : `row ${row.position} of a batch`;
  return `${row.table} · ${place}${row.sender ? ` · from ${row.sender}` : ""}`;
}

// The cells of the row; the wrong ones are marked.
export function originalCells(row) {
  const wrong = new Set(row.errors.map((error) => error.field));
  return el(
    "p",
    { class: "cells" },
    inOrder(cells(row.raw), row.table).map((cell) => shown(cell, wrong)),
  );
}

// A row is an object of fields, a list of cells if it had the wrong number of them, or any value.
function cells(raw) {
  if (Array.isArray(raw)) return raw.map((cell, i) => [String(i + 1), cell]);
  return raw !== null && typeof raw === "object" ? Object.entries(raw) : [["row", raw]];
}

// In the order of the table's fields, because the database stores them in another order.
function inOrder(found, table) {
  const names = fieldsOf(table).map((field) => field.name);
  const place = ([name]) => (names.includes(name) ? names.indexOf(name) : names.length);
  return [...found].sort((a, b) => place(a) - place(b));
}

function shown([name, content], wrong) {
  const kind = wrong.has(name) ? "cell wrong" : "cell";
  return el("span", { class: kind }, el("i", {}, name), legible(content));
}

function legible(content) {
  if (content === "") return "(empty)";
  return typeof content === "string" && content.trim() === ""
    ? JSON.stringify(content)
    : value(content);
}

function button(row, text, act) {
  const label = `${text} row ${row.reject_id}`;
  return el(
    "button",
    { type: "button", class: "quiet small", "aria-label": label, on: { click: () => act(row) } },
    text,
  );
}
