// Both metrics of the chosen year: fetched once, shown by several sections.
import { get } from "./api.js";
import { announce } from "./changes.js";
import { byId } from "./dom.js";

export const metrics = new EventTarget();
const RETRY_SECONDS = 3;

export async function refreshMetrics() {
  const year = byId("year").value;
  if (!byId("year").checkValidity()) return;
  try {
    const [hires, above] = await Promise.all([
      get(`/hires_by_quarter?year=${year}`),
      get(`/departments_above_mean?year=${year}`),
    ]);
    if (byId("year").value === year) emit("known", { year, hires, above });
  } catch (error) {
    emit("error", error);
    if (error.isTransient) setTimeout(() => announce("warehouse"), RETRY_SECONDS * 1000);
  }
}

function emit(name, detail) {
  metrics.dispatchEvent(new CustomEvent(name, { detail }));
}

export const total = (row) => row.q1 + row.q2 + row.q3 + row.q4;
