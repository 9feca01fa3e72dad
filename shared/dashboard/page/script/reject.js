// One rejected row as it was sent, and what is wrong with it.
import { el } from "./dom.js";
import { source, value } from "./format.js";
import { fieldsOf } from "./platform.js";

const OPEN = ["rejected", "waiting"];

export function reject(row, ticked, actions) {
  const tick = el("input", {
    type: "checkbox",
    "aria-label": `Choose row ${row.reject_id}`,
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
      el("p", { class: "where" }, where(row)),
      asItCame(row),
      row.errors.map((error) =>
        el("p", { class: "faults" }, `${title(error.field)}${error.message}`),
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

function where(row) {
  const { name, path } = source(row.source);
  const place = path ? `${name}, line ${row.position}` : `row ${row.position} of a batch`;
  return `${row.table} · ${place}${row.sender ? ` · from ${row.sender}` : ""}`;
}

// What the row held, its wrong cells marked.
export function asItCame(row) {
  const wrong = new Set(row.errors.map((error) => error.field));
  return el(
    "p",
    { class: "cells" },
    inOrder(cells(row.raw), row.table).map((cell) => shown(cell, wrong)),
  );
}

// A row is an object of fields, a list of cells where their number was wrong, or anything else.
function cells(raw) {
  if (Array.isArray(raw)) return raw.map((cell, i) => [String(i + 1), cell]);
  return raw !== null && typeof raw === "object" ? Object.entries(raw) : [["row", raw]];
}

// As the table has its fields; the database keeps them in an order of its own.
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
