// The newest loads, polled every few seconds while the page is visible.
import { get } from "./api.js";
import { announce } from "./changes.js";
import { byId, el, show } from "./dom.js";
import { clock, date, number, plural, source, time } from "./format.js";
import { showRejectsOf } from "./rejects.js";
import { table } from "./table.js";

const SECONDS = 2;
const SLOW_SECONDS = 10;
let known = [];
let cursor = null;
let timer = 0;
let view = null;

export function startLoads() {
  byId("older").addEventListener("click", more);
  document.addEventListener("visibilitychange", () => !document.hidden && watch());
  view = table("Loads, newest first", COLUMNS);
}

// Polls until `stop` is called, at the end of the session.
export async function watch() {
  clearTimeout(timer);
  let seconds = SECONDS;
  try {
    update(await get("/loads?limit=20"));
  } catch (error) {
    seconds = SLOW_SECONDS;
    byId("ledger").replaceChildren(el("p", { class: "empty" }, error.message));
    if (error.status === 401) return;
  }
  if (!document.hidden) timer = setTimeout(watch, seconds * 1000);
}

export function stop() {
  clearTimeout(timer);
  [known, cursor] = [[], null];
}

export const newest = () => known;

function update(page) {
  const before = JSON.stringify(known);
  const synced = newestOf(known, "synced_at");
  merge(page);
  draw();
  if (JSON.stringify(known) !== before) announce("loads");
  if (newestOf(known, "synced_at") !== synced) announce("warehouse");
}

// If none of these loads is known, others may lie between them and the known ones: start over.
function merge({ rows, next_cursor: next }) {
  const ids = new Set(rows.map((row) => row.load_id));
  if (known.some((row) => ids.has(row.load_id))) {
    known = [...rows, ...known.filter((row) => !ids.has(row.load_id))];
  } else {
    [known, cursor] = [rows, next];
  }
}

async function more() {
  const page = await get(`/loads?limit=50&cursor=${cursor}`);
  known = [...known, ...page.rows];
  cursor = page.next_cursor;
  draw();
}

function newestOf(loads, name) {
  return loads.reduce((last, load) => (load[name] > last ? load[name] : last), "");
}

function draw() {
  show(byId("older"), cursor !== null);
  if (!known.length) {
    byId("ledger").replaceChildren(
      el("p", { class: "empty" }, "No loads yet. Drop a file to start."),
    );
    return;
  }
  view.fill(known, (load) => load.load_id);
  if (!view.whole.isConnected) byId("ledger").replaceChildren(view.whole);
}

const count = (title, ...names) => ({
  title,
  class: "number",
  cell: ({ counts }) => {
    const sum = names.reduce((all, name) => all + counts[name], 0);
    return el("span", { class: sum ? "" : "zero", title: names.join(" or ") }, number(sum));
  },
});

const COLUMNS = [
  { title: "Source", plain: true, class: "main", cell: origin },
  { title: "State", class: "whole", cell: state },
  count("Read", "read"),
  count("Inserted", "inserted"),
  count("Updated", "updated"),
  count("Same", "unchanged", "superseded"),
  count("Waiting", "waiting"),
  { title: "Rejected", class: "number", cell: rejected },
];

function origin(load) {
  const { name, path } = source(load.source);
  const named = load.kind === "file" ? name : `${load.kind} ${load.load_id.slice(0, 8)}`;
  const from = load.sender ? ` from ${load.sender}` : "";
  return [
    el("span", { title: path || load.source }, named),
    el("small", {}, `${load.table ?? "no table"}${from}`),
    load.counts.deleted > 0 && el("small", {}, `deleted ${plural(load.counts.deleted, "row")}`),
    load.error && el("small", { class: "error" }, load.error.detail ?? load.error.code ?? "failed"),
  ];
}

function state(load) {
  const [kind, text] =
    load.state === "failed"
      ? ["bad", "Failed"]
      : load.state === "loading"
        ? ["warn", "Loading"]
        : load.synced_at
          ? ["good", "In the warehouse"]
          : ["warn", "Stored"];
  const at = load.finished_at ?? load.accepted_at;
  return el(
    "span",
    {},
    el("span", { class: `badge ${kind}` }, text),
    el("small", { title: time(at) }, isRecent(at) ? `${clock(at)} UTC` : date(at)),
  );
}

const isRecent = (iso) => Date.now() - new Date(iso) < 43_200_000;

function rejected(load) {
  const rows = load.counts.rejected;
  if (!rows) return el("span", { class: "zero" }, "0");
  const open = () => showRejectsOf(load);
  return el(
    "button",
    { type: "button", class: "link", title: "Show these rows", on: { click: open } },
    number(rows),
  );
}
