// How far behind the warehouse is, and the tiles that sum up the metrics.
import { get } from "./api.js";
import { changes } from "./changes.js";
import { byId, el } from "./dom.js";
import { clock, date, mean, number, plural, time } from "./format.js";
import { newest } from "./loads.js";
import { asked, metrics, total } from "./metrics.js";

const facts = { metrics: new Map(), rejects: null, freshness: null, asOf: null };

export function startFreshness() {
  metrics.addEventListener("described", () => facts.metrics.clear());
  metrics.addEventListener("known", ({ detail: { metric, answer } }) => {
    facts.metrics.set(metric.name, tile(metric, answer));
    facts.asOf = answer.as_of;
    drawTiles();
    drawPill();
  });
  changes.addEventListener("reasons", ({ detail: reasons }) => {
    const sum = (status) =>
      reasons.filter((one) => one.status === status).reduce((all, one) => all + one.rows, 0);
    facts.rejects = [
      "Rows to correct",
      number(sum("rejected")),
      sum("waiting") ? `${number(sum("waiting"))} waiting` : "",
    ];
    drawTiles();
  });
}

// Adds up the numbers if a row has several; else counts the rows.
function tile(metric, answer) {
  const { measures, title } = metric;
  const sum = answer.rows.reduce((all, row) => all + total(row, measures), 0);
  const middle = metric.mean === null ? null : answer[metric.mean];
  return [
    [title, asked(metric, answer)].filter(Boolean).join(", "),
    number(measures.length > 1 ? sum : answer.rows.length),
    middle === null ? "" : `mean ${mean(middle)}`,
  ];
}

export async function refreshFreshness() {
  // A token without the scope `metrics` may not ask; the loads show enough then.
  facts.freshness = await get("/freshness").catch(() => null);
  drawPill();
}

function drawPill() {
  const pill = byId("freshness");
  const behind = facts.freshness?.unsynced ?? newest().filter((load) => !load.synced_at).length;
  const isDown = facts.freshness?.bigquery === false;
  pill.className = behind || isDown ? "pill warn" : "pill good";
  const text = isDown
    ? "does not answer"
    : behind
      ? `${plural(behind, "load")} behind`
      : "up to date";
  pill.replaceChildren(
    ...(behind || isDown || facts.asOf ? [el("span", { class: "roomy" }, "Warehouse"), text] : []),
  );
  pill.title = facts.asOf ? `Metrics as of ${time(facts.asOf)}` : "";
}

function drawTiles() {
  const asOf = facts.asOf ? ["Metrics as of", clock(facts.asOf), `${date(facts.asOf)}, UTC`] : null;
  const tiles = [...facts.metrics.values(), facts.rejects, asOf].filter(Boolean);
  byId("tiles").replaceChildren(
    ...tiles.map(([title, value, note]) =>
      el(
        "li",
        {},
        el("span", {}, title),
        el("strong", {}, value),
        note ? el("span", {}, note) : null,
      ),
    ),
  );
}
