// Rejected rows: counted by reason, listed, corrected and discarded.
import { get, getFile, post } from "./api.js";
import { announce } from "./changes.js";
import { correct } from "./correction.js";
import { byId, el, show, updateChildren } from "./dom.js";
import { number, plural, source } from "./format.js";
import { notify, notifyError } from "./notices.js";
import { reject } from "./reject.js";

const PAGE = 10;
let filters = { status: "rejected" };
let rows = [];
let cursor = null;
const ticked = new Set();

export function startRejects() {
  byId("more-rows").addEventListener("click", () => more().catch(notifyError));
}

export async function refreshRejects() {
  try {
    const counts = (await get("/dashboard/reasons")).rows;
    announce("reasons", counts);
    drawReasons(counts);
    const page = await ask(Math.max(PAGE, Math.min(rows.length, 500)));
    [rows, cursor] = [page.rows, page.next_cursor];
    drawRows();
  } catch (error) {
    byId("reasons").replaceChildren(el("li", { class: "empty" }, error.message));
    byId("rows").replaceChildren();
  }
}

export function showRejectsOf(load) {
  choose({ load_id: load.load_id, table: load.table, file: source(load.source).name });
  byId("rejects").scrollIntoView();
  byId("rows-title").scrollIntoView({ block: "nearest" });
}

function choose(chosen) {
  filters = { status: "rejected", ...chosen };
  rows = [];
  ticked.clear();
  return refreshRejects();
}

function ask(limit, after = null) {
  const { file: _, ...sent } = filters;
  const query = new URLSearchParams({ ...sent, limit, ...(after && { cursor: after }) });
  return get(`/rejected_rows?${query}`);
}

async function more() {
  const page = await ask(PAGE, cursor);
  rows = [...rows, ...page.rows];
  cursor = page.next_cursor;
  drawRows();
}

function drawReasons(counts) {
  if (!counts.length) {
    byId("reasons").replaceChildren(el("li", { class: "empty" }, "No rejected rows."));
    return;
  }
  updateChildren(
    byId("reasons"),
    counts.map((one) => ({ ...one, isChosen: isChosen(one) })),
    (one) => `${one.status}/${one.table}/${one.reason}`,
    reason,
  );
}

const isChosen = (one) =>
  ["status", "table", "reason"].every((name) => filters[name] === one[name]);

function reason(one) {
  const { table, status, reason: code } = one;
  const click = () => choose(isChosen(one) ? {} : { table, status, reason: code });
  const button = el(
    "button",
    { type: "button", "aria-pressed": String(one.isChosen), on: { click } },
    el("span", {}, one.title),
    el("small", {}, status === "waiting" ? `${table}, waiting for its parent` : table),
    el("b", {}, number(one.rows)),
  );
  return el("li", {}, button);
}

function drawRows() {
  const shown = new Set(rows.map((row) => row.reject_id));
  for (const id of ticked) if (!shown.has(id)) ticked.delete(id);
  drawChosen();
  drawTools();
  show(byId("more-rows"), cursor !== null);
  if (rows.length)
    updateChildren(
      byId("rows"),
      rows,
      (row) => row.reject_id,
      (row) => reject(row, ticked, ACTIONS),
    );
  else byId("rows").replaceChildren(el("li", { class: "empty" }, "No rows to show."));
}

const ACTIONS = {
  ticked: () => drawTools(),
  correct: (row) => correct(row, () => announce("rejects")),
  discard: (row) => discard([row.reject_id]),
};

function drawChosen() {
  const { file, table, reason: code } = filters;
  const text = file ? `From ${file}` : code ? `${table}: ${code}` : "";
  const clear = el(
    "button",
    { type: "button", class: "quiet small", on: { click: () => choose({}) } },
    "Show all",
  );
  byId("chosen").replaceChildren(el("span", { class: "badge" }, text), clear);
  show(byId("chosen"), text !== "");
}

function drawTools() {
  const tools = [];
  if (ticked.size) {
    const click = () => discard([...ticked]);
    tools.push(
      el(
        "button",
        { type: "button", class: "small", on: { click } },
        `Discard ${plural(ticked.size, "row")}`,
      ),
    );
  }
  const table = filters.table ?? onlyTable();
  if (table && rows.length && filters.status === "rejected") {
    const click = () => download(table).catch(notifyError);
    tools.push(
      el("button", { type: "button", class: "small", on: { click } }, "Download to correct"),
    );
  }
  byId("row-tools").replaceChildren(...tools);
}

function onlyTable() {
  const names = new Set(rows.map((row) => row.table));
  return names.size === 1 && cursor === null ? [...names][0] : null;
}

async function discard(ids) {
  try {
    const { discarded } = await post("/rejected_rows/discard", { ids });
    for (const id of ids) ticked.delete(id);
    notify(`${plural(discarded.length, "row")} discarded.`);
  } catch (error) {
    notifyError(error);
  }
  announce("rejects");
}

async function download(table) {
  const { file: _, status: __, ...sent } = filters;
  const content = await getFile(`/rejected_rows.csv?${new URLSearchParams({ ...sent, table })}`);
  const address = URL.createObjectURL(content);
  el("a", { href: address, download: `${table}-corrected.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
