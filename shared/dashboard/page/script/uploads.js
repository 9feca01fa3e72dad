// Files that are dropped or chosen: sent with progress, then followed until they are loaded.
import { get, parsed, tokenRejected } from "./api.js";
import { byId, el, options } from "./dom.js";
import { number, plural, size } from "./format.js";
import { maxUploadBytes, tables } from "./platform.js";
import { token } from "./session.js";

const PAUSE = 400;
const DEADLINE_SECONDS = 600;

export function startUploads() {
  const zone = byId("zone");
  byId("files").addEventListener("change", ({ target }) => {
    addFiles(target.files);
    target.value = "";
  });
  // A file dropped outside the zone would replace the page.
  for (const name of ["dragover", "drop"])
    addEventListener(name, (event) => event.preventDefault());
  for (const name of ["dragenter", "dragover"])
    zone.addEventListener(name, () => zone.classList.add("over"));
  for (const name of ["dragleave", "drop"])
    zone.addEventListener(name, () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => addFiles(event.dataTransfer.files));
}

function addFiles(files) {
  for (const file of files) addFile(file);
}

// The table that a file's name refers to: TABLE.csv, TABLE-anything.csv; the longest that matches.
function tableOf(name) {
  const fits = tables()
    .map((table) => table.name)
    .filter((table) => {
      const rest = name.toLowerCase().startsWith(table) ? name.slice(table.length) : null;
      return rest !== null && !/^[a-z0-9]/i.test(rest);
    });
  return fits.sort((a, b) => b.length - a.length)[0] ?? null;
}

function addFile(file) {
  const name = el(
    "p",
    { class: "name" },
    file.name,
    el("span", { class: "muted" }, ` ${size(file.size)}`),
  );
  const state = el("div", {});
  byId("uploads").prepend(el("li", {}, name, state));
  const table = tableOf(file.name);
  if (file.size > maxUploadBytes())
    showState(
      state,
      `Larger than ${size(maxUploadBytes())}; put it in the uploads bucket directly.`,
      "error",
    );
  else if (file.size === 0) showState(state, "The file is empty.", "error");
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
    el("p", { class: "muted" }, "The name matches no table; choose one."),
    el("p", { class: "controls" }, select, send),
  );
}

function upload(file, table, state) {
  const bar = el("progress", { max: 100, value: 0, "aria-label": `Sending ${file.name}` });
  const text = el("p", { class: "muted" }, `Sending to ${table}`);
  state.replaceChildren(bar, text);
  const request = new XMLHttpRequest(); // fetch does not report upload progress
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
        : "Sent; storing it";
  });
  request.addEventListener("load", () => {
    const answer = parsed(request.responseText) ?? {};
    if (request.status === 201) return follow(answer.load_id, table, state);
    if (request.status === 401) tokenRejected();
    return offerRetry(
      file,
      table,
      state,
      answer.detail ?? `The upload was answered with ${request.status}.`,
    );
  });
  request.addEventListener("error", () =>
    offerRetry(file, table, state, "The connection was lost; nothing was stored."),
  );
  request.send(file);
}

function offerRetry(file, table, state, why) {
  const click = () => upload(file, table, state);
  state.replaceChildren(
    el("p", { class: "error" }, why),
    el("p", {}, el("button", { type: "button", class: "small", on: { click } }, "Send again")),
  );
}

async function follow(loadId, table, state) {
  showState(state, `In the bucket; loading into ${table}`);
  const until = Date.now() + DEADLINE_SECONDS * 1000;
  while (Date.now() < until && token()) {
    try {
      const load = await get(`/dashboard/loads/${loadId}`);
      if (load.state !== "pending") return showOutcome(load, state);
    } catch (error) {
      showState(state, error.message, "error");
    }
    await new Promise((wake) => setTimeout(wake, PAUSE));
  }
  return showState(state, "Not loaded yet; it will appear in the list of loads.", "muted");
}

function showOutcome({ state: end, counts, error, table }, state) {
  if (end === "failed")
    return showState(state, error?.detail ?? "The file cannot be loaded.", "error");
  const parts = ["inserted", "updated", "unchanged", "superseded", "waiting", "rejected"]
    .filter((name) => counts[name])
    .map((name) => `${number(counts[name])} ${name}`);
  return showState(
    state,
    `${plural(counts.read, "row")} of ${table}: ${parts.join(", ") || "nothing"}`,
    "",
  );
}

function showState(state, text, kind = "muted") {
  state.replaceChildren(el("p", { class: kind }, text));
}
