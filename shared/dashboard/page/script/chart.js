// Charts as plain SVG. Widths are percentages, so nothing has to be measured.
import { number } from "./format.js";
import { svg } from "./dom.js";

const TOP = 22;
const BASE = 212;
const LEFT = 8;

export function columns(counts, names, label) {
  const [ceiling, step] = scale(Math.max(...counts, 1));
  const y = (value) => BASE - ((BASE - TOP) * value) / ceiling;
  const marks = Array.from({ length: Math.round(ceiling / step) + 1 }, (_, i) => i * step);
  return svg(
    "svg",
    { role: "img", "aria-label": label },
    marks
      .map((mark) => [
        svg("line", { x1: `${LEFT}%`, x2: "100%", y1: y(mark), y2: y(mark) }),
        svg("text", { x: `${LEFT - 1.5}%`, y: y(mark) + 4, "text-anchor": "end" }, number(mark)),
      ])
      .flat(),
    counts.map((count, i) => bar(count, names[i], i / counts.length, 1 / counts.length, y)).flat(),
  );
}

// A column in its slot, which begins at a part of the chart's width.
function bar(count, name, begin, width, y) {
  const slot = (100 - LEFT) * width;
  const start = LEFT + (100 - LEFT) * begin;
  const left = start + slot * 0.2;
  const middle = `${start + slot * 0.5}%`;
  return [
    svg(
      "rect",
      {
        x: `${left}%`,
        y: y(count),
        width: `${slot * 0.6}%`,
        height: BASE - y(count),
        rx: 4,
        "data-count": count,
      },
      svg("title", {}, `${name}: ${number(count)}`),
    ),
    svg(
      "text",
      { class: "value", x: middle, y: y(count) - 7, "text-anchor": "middle" },
      number(count),
    ),
    svg("text", { x: middle, y: BASE + 20, "text-anchor": "middle" }, name),
  ];
}

// A round number above the largest value, and a round step that divides it.
function scale(largest) {
  const raw = largest / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = Math.max(
    1,
    [1, 2, 5, 10].map((n) => n * power).find((s) => s >= raw),
  );
  return [Math.ceil(largest / step) * step, step];
}

// One bar of a list, with the mean across it.
export function against(value, mean, most) {
  const part = (n) => `${(100 * n) / most}%`;
  return svg(
    "svg",
    { "aria-hidden": "true" },
    svg("rect", { x: 0, y: 4, width: part(value), height: 18, rx: 3 }),
    mean === null ? null : svg("line", { x1: part(mean), x2: part(mean), y1: -1, y2: 27 }),
  );
}
