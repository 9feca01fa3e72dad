// Hires by quarter, for all departments and jobs or for the chosen ones.
import { quarters } from "./chart.js";
import { byId, el, options } from "./dom.js";
import { number, plural } from "./format.js";
import { metrics, refreshMetrics, total } from "./metrics.js";

const ALL = "";
let known = null;

export function startHires() {
  byId("year").value = "2021";
  byId("year").addEventListener("change", refreshMetrics);
  for (const id of ["department", "job"]) byId(id).addEventListener("change", draw);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  metrics.addEventListener("known", ({ detail }) => {
    known = detail;
    draw();
  });
  metrics.addEventListener("error", ({ detail }) => showError(detail));
}

function draw() {
  if (known === null) return;
  const rows = known.hires.rows;
  choices(
    "department",
    "All departments",
    rows.map((row) => row.department),
  );
  choices(
    "job",
    "All jobs",
    rows.map((row) => row.job),
  );
  const department = byId("department").value;
  const job = byId("job").value;
  const chosen = rows.filter(
    (row) =>
      (department === ALL || row.department === department) && (job === ALL || row.job === job),
  );
  const counts = ["q1", "q2", "q3", "q4"].map((q) => chosen.reduce((sum, row) => sum + row[q], 0));
  const summary = counts.map((count, i) => `quarter ${i + 1}: ${number(count)}`).join(", ");
  byId("quarters").replaceChildren(
    quarters(counts, `Hires in ${known.year} by quarter; ${summary}`),
  );
  byId("quarters-sum").textContent = `${plural(
    counts.reduce((a, b) => a + b),
    "hire",
  )} in ${known.year}, ${department || "all departments"}, ${job || "all jobs"}`;
  byId("breakdown").replaceChildren(
    chosen.length ? breakdown(chosen, department === ALL) : nothing(),
  );
}

function choices(id, all, names) {
  const values = [...new Set(names)].sort((a, b) => a.localeCompare(b));
  const select = byId(id);
  options(select, [[ALL, all], ...values.map((value) => [value, value])], select.value);
}

// By department, with a button that shows its jobs; or by job, if a department is chosen.
function breakdown(rows, byDepartment) {
  const groups = new Map();
  for (const row of rows) {
    const name = byDepartment ? row.department : row.job;
    const sums = groups.get(name) ?? { q1: 0, q2: 0, q3: 0, q4: 0 };
    for (const quarter of Object.keys(sums)) sums[quarter] += row[quarter];
    groups.set(name, sums);
  }
  const sorted = [...groups].sort((a, b) => total(b[1]) - total(a[1]) || a[0].localeCompare(b[0]));
  const most = Math.max(1, ...sorted.flatMap(([, sums]) => Object.values(sums)));
  const title = byDepartment ? "Department" : "Job";
  const head = [title, "Q1", "Q2", "Q3", "Q4", "Year"].map((text) =>
    el("th", { scope: "col" }, text),
  );
  return el(
    "table",
    { class: "heat", "aria-label": `Hires by ${title.toLowerCase()} and quarter` },
    el("thead", {}, el("tr", {}, head)),
    el(
      "tbody",
      {},
      sorted.map(([name, sums]) => line(name, sums, most, byDepartment)),
    ),
  );
}

function line(name, sums, most, isDepartment) {
  const open = () => {
    byId("department").value = name;
    draw();
    byId("department").focus();
  };
  const button = () =>
    el("button", { type: "button", title: "Show its jobs", on: { click: open } }, name);
  const heat = (count) => (count ? `h${Math.ceil((5 * count) / most)}` : "");
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, isDepartment ? button() : name),
    Object.values(sums).map((count) => el("td", { class: heat(count) }, number(count))),
    el("td", {}, el("strong", {}, number(total(sums)))),
  );
}

function nothing() {
  return el("p", { class: "empty" }, "No hires. Try another year, or drop files below.");
}

function showError(error) {
  // The figures shown may be old, but they are not wrong unless they are of another year.
  if (known?.year === byId("year").value && error.isTransient) return;
  byId("quarters").replaceChildren();
  byId("breakdown").replaceChildren(el("p", { class: "empty" }, error.message));
  byId("quarters-sum").textContent = "";
}
