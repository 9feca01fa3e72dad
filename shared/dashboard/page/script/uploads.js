// Files on their way in: dropped or chosen, sent with progress, followed to their end.
import { get, parsed, refused } from "./api.js";
import { byId, el, options } from "./dom.js";
import { number, plural, size } from "./format.js";
import { largest, tables } from "./platform.js";
import { token } from "./session.js";

const PAUSE = 400;
const PATIENCE_SECONDS = 600;

export function startUploads() {
  const zone = byId("zone");
  byId("files").addEventListener("change", ({ target }) => {
    take(target.files);
    target.value = "";
  });
  // Anywhere but on the zone, a dropped file would replace the page.
  for (const name of ["dragover", "drop"])
    addEventListener(name, (event) => event.preventDefault());
  for (const name of ["dragenter", "dragover"])
    zone.addEventListener(name, () => zone.classList.add("over"));
  for (const name of ["dragleave", "drop"])
    zone.addEventListener(name, () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => take(event.dataTransfer.files));
}

function take(files) {
  for (const file of files) offer(file);
}

// The table that a file's name speaks of: TABLE.csv, TABLE-anything.csv; the longest that fits.
function tableOf(name) {
  const fits = tables()
    .map((table) => table.name)
    .filter((table) => {
      const rest = name.toLowerCase().startsWith(table) ? name.slice(table.length) : null;
      return rest !== null && !/^[a-z0-9]/i.test(rest);
    });
  return fits.sort((a, b) => b.length - a.length)[0] ?? null;
}

function offer(file) {
  const name = el(
    "p",
    { class: "name" },
    file.name,
    el("span", { class: "muted" }, ` ${size(file.size)}`),
  );
  const state = el("div", {});
  byId("uploads").prepend(el("li", {}, name, state));
  const table = tableOf(file.name);
  if (file.size > largest())
    say(state, `Larger than ${size(largest())}; drop it in the uploads bucket itself.`, "fault");
  else if (file.size === 0) say(state, "The file is empty.", "fault");
  else if (table) upload(file, table, state);
  else ask(file, state);
}

function ask(file, state) {
  const select = el("select", { "aria-label": `Table of ${file.name}` });
  options(
    select,
    tables().map((table) => [table.name, table.name]),
  );
  const send = el(
    "button",
    { type: "button", class: "small", on: { click: () => upload(file, select.value, state) } },
    "Send",
  );
  state.replaceChildren(
    el("p", { class: "muted" }, "Its name speaks of no table; choose one."),
    el("p", { class: "controls" }, select, send),
  );
}

function upload(file, table, state) {
  const bar = el("progress", { max: 100, value: 0, "aria-label": `Sending ${file.name}` });
  const text = el("p", { class: "muted" }, `Sending to ${table}`);
  state.replaceChildren(bar, text);
  const request = new XMLHttpRequest(); // fetch tells nothing of how much was sent
  request.open(
    "POST",
    `/dashboard/uploads/${encodeURIComponent(table)}?name=${encodeURIComponent(file.name)}`,
  );
  request.setRequestHeader("X-Token", token());
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    bar.value = total ? (100 * loaded) / total : 0;
    text.textContent =
      loaded < total
        ? `Sending to ${table}: ${size(loaded)} of ${size(total)}`
        : "Sent; being stored";
  });
  request.addEventListener("load", () => {
    const answer = parsed(request.responseText) ?? {};
    if (request.status === 201) return follow(answer.load_id, table, state);
    if (request.status === 401) refused();
    return again(
      file,
      table,
      state,
      answer.detail ?? `The upload was answered with ${request.status}.`,
    );
  });
  request.addEventListener("error", () =>
    again(file, table, state, "The connection was lost; nothing was stored."),
  );
  request.send(file);
}

function again(file, table, state, why) {
  const click = () => upload(file, table, state);
  state.replaceChildren(
    el("p", { class: "fault" }, why),
    el("p", {}, el("button", { type: "button", class: "small", on: { click } }, "Send again")),
  );
}

async function follow(loadId, table, state) {
  say(state, `In the bucket; being loaded into ${table}`);
  const until = Date.now() + PATIENCE_SECONDS * 1000;
  while (Date.now() < until && token()) {
    try {
      const load = await get(`/dashboard/loads/${loadId}`);
      if (load.state !== "pending") return tellEnd(load, state);
    } catch (error) {
      say(state, error.message, "fault");
    }
    await new Promise((wake) => setTimeout(wake, PAUSE));
  }
  return say(state, "Not loaded yet; it will appear among the loads.", "muted");
}

function tellEnd({ state: end, counts, error, table }, state) {
  if (end === "failed") return say(state, error?.detail ?? "It cannot be loaded.", "fault");
  const parts = ["inserted", "updated", "unchanged", "superseded", "waiting", "rejected"]
    .filter((name) => counts[name])
    .map((name) => `${number(counts[name])} ${name}`);
  return say(
    state,
    `${plural(counts.read, "row")} of ${table}: ${parts.join(", ") || "nothing"}`,
    "",
  );
}

function say(state, text, kind = "muted") {
  state.replaceChildren(el("p", { class: kind }, text));
}
