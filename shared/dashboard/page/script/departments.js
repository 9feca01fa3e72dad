// Departments compared with the mean over all of them.
import { against } from "./chart.js";
import { byId, el } from "./dom.js";
import { mean as shownMean, number } from "./format.js";
import { metrics, total } from "./metrics.js";

export function startDepartments() {
  metrics.addEventListener("known", ({ detail }) => draw(detail));
  metrics.addEventListener("error", ({ detail }) => {
    byId("departments").replaceChildren();
    byId("departments-sum").textContent = detail.message;
  });
}

function draw({ year, hires, above }) {
  const rows = compared(hires.rows, above.rows);
  const most = Math.max(1, above.mean ?? 0, ...rows.map((row) => row.hired));
  byId("departments-sum").textContent =
    above.mean === null
      ? "There are no departments yet."
      : `Mean of ${year}: ${shownMean(above.mean)} hires (dashed line); ${above.rows.length} above it.`;
  byId("departments").replaceChildren(...rows.map((row) => bar(row, above.mean, most)));
}

// Departments above the mean come from the metric; the others from the hires, added up by name.
function compared(hires, above) {
  const others = new Map();
  for (const row of hires)
    others.set(row.department, (others.get(row.department) ?? 0) + total(row));
  for (const { department, hired } of above)
    others.set(department, (others.get(department) ?? hired) - hired);
  const below = [...others]
    .filter(([, hired]) => hired > 0)
    .map(([department, hired]) => ({ department, hired, isAbove: false }));
  return [...above.map((row) => ({ ...row, isAbove: true })), ...below].sort(
    (a, b) => b.hired - a.hired,
  );
}

function bar({ department, hired, isAbove }, mean, most) {
  return el(
    "li",
    { class: isAbove ? "above" : "" },
    el("span", { class: "name" }, department),
    against(hired, mean, most),
    el(
      "span",
      { class: "number" },
      number(hired),
      el("span", { class: "hidden" }, isAbove ? ", above the mean" : ""),
    ),
  );
}
