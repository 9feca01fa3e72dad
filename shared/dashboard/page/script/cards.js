// A card for each metric: a chart and a table if it has several numbers in a row, bars if it has
// one, else its rows.
import { against, columns } from "./chart.js";
import { byId, el, options } from "./dom.js";
import { label, mean as shownMean, number, plural, value } from "./format.js";
import { asked, metrics, total } from "./metrics.js";

const ANY = "";
const known = new Map(); // the last answer to each metric, by its name

export function startCards() {
  metrics.addEventListener("described", ({ detail }) => {
    known.clear();
    byId("metrics").replaceChildren(...detail.map(card));
  });
  metrics.addEventListener("known", ({ detail }) => {
    known.set(detail.metric.name, detail);
    draw(detail.metric);
  });
  metrics.addEventListener("error", ({ detail }) => showError(detail));
}

const idOf = ({ name }, part) => (part ? `metric-${name}-${part}` : `metric-${name}`);
const partOf = (metric, part) => byId(idOf(metric, part));

function card(metric) {
  const title = idOf(metric, "title");
  const detail = { id: idOf(metric, "rows"), class: "scroll", tabindex: "0", role: "region" };
  return el(
    "article",
    { id: idOf(metric), class: "card", "aria-labelledby": title },
    el(
      "div",
      { class: "head" },
      el("h3", { id: title }, metric.title),
      el("div", { class: "controls" }, filters(metric)),
    ),
    el("p", { id: idOf(metric, "sum"), class: "muted" }),
    el("div", { id: idOf(metric, "chart"), class: "columns" }),
    el("div", { ...detail, "aria-label": `${metric.title} in detail` }),
  );
}

// What a row is about: its texts, or all that is no number to compare if it has no text.
function labels({ columns: all, texts, measures }) {
  const found = all.filter((one) => texts.includes(one) && !measures.includes(one));
  return found.length ? found : all.filter((one) => !measures.includes(one));
}

function filters(metric) {
  if (metric.measures.length < 2) return [];
  return labels(metric).map((name) => {
    const id = idOf(metric, name);
    const select = el("select", { id, on: { change: () => draw(metric) } });
    return el("span", { class: "pair" }, el("label", { for: id }, label(name)), select);
  });
}

function draw(metric) {
  const found = known.get(metric.name);
  if (found === undefined) return;
  if (metric.measures.length > 1) drawTable(metric, found.answer);
  else if (metric.measures.length === 1) drawBars(metric, found.answer);
  else drawRows(metric, found.answer);
}

function fill(metric, sum, chart, rows) {
  partOf(metric, "sum").textContent = sum;
  partOf(metric, "chart").replaceChildren(...[chart].filter(Boolean));
  partOf(metric, "rows").replaceChildren(rows);
}

const nothing = () =>
  el("p", { class: "empty" }, "No rows. Ask for something else, or drop files below.");

// Several numbers in a row.
function drawTable(metric, answer) {
  const names = labels(metric);
  const chosen = new Map(names.map((name) => [name, choose(metric, name, answer.rows)]));
  const isChosen = (name, row) => chosen.get(name) === ANY || String(row[name]) === chosen.get(name);
  const rows = answer.rows.filter((row) => names.every((name) => isChosen(name, row)));
  const counts = metric.measures.map((one) => sumOf(rows, one));
  const summary = metric.measures.map((one, i) => `${label(one)}: ${number(counts[i])}`).join(", ");
  const chart = columns(
    counts,
    metric.measures.map(label),
    `${metric.title}, ${asked(metric, answer)}; ${summary}`,
  );
  const words = names.map((name) => chosen.get(name) || `any ${label(name).toLowerCase()}`);
  const sum = counts.reduce((a, b) => a + b, 0);
  const free = names.filter((name) => chosen.get(name) === ANY);
  fill(
    metric,
    [`${number(sum)} in all`, asked(metric, answer), ...words].filter(Boolean).join(", "),
    chart,
    rows.length ? breakdown(metric, rows, free[0] ?? names.at(-1), free.length > 1) : nothing(),
  );
}

const sumOf = (rows, measure) => rows.reduce((sum, row) => sum + total(row, [measure]), 0);

// Offers the values of a column, and returns the one that is chosen.
function choose(metric, name, rows) {
  const values = [...new Set(rows.map((row) => String(row[name])))];
  values.sort((a, b) => a.localeCompare(b));
  const select = partOf(metric, name);
  const any = [ANY, `Any ${label(name).toLowerCase()}`];
  options(select, [any, ...values.map((one) => [one, one])], select.value);
  return select.value;
}

// The sums by a column. If another column is free, a button chooses the row and shows what is in it.
function breakdown(metric, rows, by, hasMore) {
  const { measures } = metric;
  const groups = new Map();
  for (const row of rows) {
    const name = String(row[by]);
    const sums = groups.get(name) ?? Object.fromEntries(measures.map((one) => [one, 0]));
    for (const one of measures) sums[one] += total(row, [one]);
    groups.set(name, sums);
  }
  const sorted = [...groups].sort(
    (a, b) => total(b[1], measures) - total(a[1], measures) || a[0].localeCompare(b[0]),
  );
  const most = Math.max(1, ...sorted.flatMap(([, sums]) => Object.values(sums)));
  const head = [label(by), ...measures.map(label), "All"];
  const open = (name) => () => {
    partOf(metric, by).value = name;
    draw(metric);
    partOf(metric, by).focus();
  };
  const title = (name) =>
    hasMore
      ? el("button", { type: "button", title: "Show its rows", on: { click: open(name) } }, name)
      : name;
  const heat = (count) => (count > 0 ? `h${Math.ceil((5 * count) / most)}` : "");
  const line = ([name, sums]) => [
    el("th", { scope: "row" }, title(name)),
    measures.map((one) => el("td", { class: heat(sums[one]) }, number(sums[one]))),
    el("td", {}, el("strong", {}, number(total(sums, measures)))),
  ];
  return table(`${metric.title} by ${label(by).toLowerCase()}`, head, sorted.map(line));
}

// One number in a row.
function drawBars(metric, answer) {
  const [measure] = metric.measures;
  const mean = metric.mean === null ? null : answer[metric.mean];
  const most = Math.max(1, Number(mean ?? 0), ...answer.rows.map((row) => Number(row[measure])));
  const words = [asked(metric, answer), plural(answer.rows.length, "row")];
  if (mean !== null) words.push(`mean ${shownMean(mean)} (dashed line)`);
  const items = answer.rows.map((row) => bar(metric, row, Number(row[measure]), mean, most));
  const list = answer.rows.length ? el("ol", { class: "bars" }, items) : nothing();
  fill(metric, words.filter(Boolean).join(", "), null, list);
}

function bar(metric, row, count, mean, most) {
  const isAbove = mean !== null && count > mean;
  const name = labels(metric).map((one) => value(row[one]));
  return el(
    "li",
    { class: isAbove ? "above" : "" },
    el("span", { class: "name" }, name.join(", ")),
    against(count, mean, most),
    el(
      "span",
      { class: "number" },
      number(count),
      el("span", { class: "hidden" }, isAbove ? ", above the mean" : ""),
    ),
  );
}

// No number to compare.
function drawRows(metric, answer) {
  const cells = answer.rows.map((row) =>
    metric.columns.map((one, i) =>
      i ? el("td", {}, value(row[one])) : el("th", { scope: "row" }, value(row[one])),
    ),
  );
  const words = [asked(metric, answer), plural(answer.rows.length, "row")];
  const rows = cells.length ? table(metric.title, metric.columns.map(label), cells) : nothing();
  fill(metric, words.filter(Boolean).join(", "), null, rows);
}

function table(title, head, lines) {
  return el(
    "table",
    { class: "heat", "aria-label": title },
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        head.map((text) => el("th", { scope: "col" }, text)),
      ),
    ),
    el(
      "tbody",
      {},
      lines.map((cells) => el("tr", {}, cells.flat())),
    ),
  );
}

function showError({ metric, asked: query, error }) {
  // The figures shown may be old, but they are not wrong unless they answer another question.
  if (known.get(metric.name)?.asked === query && error.isTransient) return;
  fill(metric, "", null, el("p", { class: "empty" }, error.message));
}
