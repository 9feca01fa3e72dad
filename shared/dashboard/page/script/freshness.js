// How far behind the warehouse is, and the tiles that sum up the year.
import { get } from "./api.js";
import { changes } from "./changes.js";
import { byId, el } from "./dom.js";
import { clock, date, mean, number, plural, time } from "./format.js";
import { newest } from "./loads.js";
import { metrics, total } from "./metrics.js";

const facts = { hires: null, above: null, rejects: null, freshness: null, asOf: null };

export function startFreshness() {
  metrics.addEventListener("known", ({ detail: { year, hires, above } }) => {
    facts.hires = [
      `Hires in ${year}`,
      number(hires.rows.reduce((sum, row) => sum + total(row), 0)),
    ];
    facts.above = [
      "Departments above the mean",
      number(above.rows.length),
      above.mean === null ? "" : `mean ${mean(above.mean)}`,
    ];
    facts.asOf = hires.as_of;
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
  const tiles = [facts.hires, facts.above, facts.rejects, asOf].filter(Boolean);
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
