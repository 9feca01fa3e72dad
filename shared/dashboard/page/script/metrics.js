// The metrics of the platform, whatever they are: described by the server, fetched once for what the
// section's form asks for, shown by several sections.
import { get } from "./api.js";
import { announce } from "./changes.js";
import { byId, el, show } from "./dom.js";
import { label } from "./format.js";

export const metrics = new EventTarget();
const RETRY_SECONDS = 3;
let described = [];

// Reads what metrics there are, and builds the form of all their parameters.
export async function loadMetrics() {
  described = (await get("/dashboard/metrics")).metrics;
  const parameters = new Map(
    described.flatMap((one) => one.parameters.map((given) => [given.name, given])),
  );
  byId("parameters").replaceChildren(...[...parameters.values()].map(field));
  for (const part of document.querySelectorAll("[data-metrics]")) show(part, described.length > 0);
  emit("described", described);
}

export function startMetrics() {
  byId("parameters").addEventListener("change", refreshMetrics);
  byId("parameters").addEventListener("submit", (event) => event.preventDefault());
}

function field({ name, minimum, maximum, default: value }) {
  const id = `parameter-${name}`;
  const limits = { min: minimum, max: maximum, step: 1, value, required: true };
  return el(
    "span",
    { class: "pair" },
    el("label", { for: id }, label(name)),
    el("input", { id, type: "number", ...limits }),
  );
}

export async function refreshMetrics() {
  if (!byId("parameters").checkValidity()) return;
  const found = await Promise.all(described.map(refresh));
  if (found.includes(false)) setTimeout(() => announce("warehouse"), RETRY_SECONDS * 1000);
}

// Returns false if the same call may succeed later.
async function refresh(metric) {
  const asked = query(metric);
  try {
    const answer = await get(`/${metric.name}?${asked}`);
    if (query(metric) === asked) emit("known", { metric, asked, answer });
  } catch (error) {
    emit("error", { metric, asked, error });
    return !error.isTransient;
  }
  return true;
}

function query({ parameters }) {
  const values = parameters.map(({ name }) => [name, byId(`parameter-${name}`).value]);
  return new URLSearchParams(values).toString();
}

function emit(name, detail) {
  metrics.dispatchEvent(new CustomEvent(name, { detail }));
}

// What was asked for, as people read it: "2021".
export const asked = ({ parameters }, answer) =>
  parameters.map(({ name }) => answer[name]).join(", ");

export const total = (row, measures) =>
  measures.reduce((sum, measure) => sum + Number(row[measure] ?? 0), 0);
