// The list of backups, a button to create one, and a button to restore each.
import { get, post } from "./api.js";
import { announce } from "./changes.js";
import { byId, el, options } from "./dom.js";
import { number, plural, size, time } from "./format.js";
import { notify, notifyError } from "./notices.js";
import { tables } from "./platform.js";
import { restore } from "./restore.js";
import { table } from "./table.js";

const ALL = "all";
const SHOWN = 30;
let view = null;

export function startBackups() {
  view = table("Backups, newest first", COLUMNS);
  byId("back-up").addEventListener("submit", (event) => {
    event.preventDefault();
    backUp(byId("back-up-table").value, event.submitter).catch(notifyError);
  });
}

export async function refreshBackups() {
  const select = byId("back-up-table");
  options(select, [[ALL, "All tables"], ...tables().map(({ name }) => [name, name])], select.value);
  try {
    const pages = await Promise.all(tables().map(({ name }) => get(`/backup_table/${name}`)));
    // Without the age, which changes every time and would redraw every row.
    draw(pages.flatMap((page) => page.backups).map(({ age_seconds: _, ...facts }) => facts));
  } catch (error) {
    byId("backup-list").replaceChildren(el("p", { class: "empty" }, error.message));
  }
}

function draw(backups) {
  const newest = backups.sort((a, b) => b.snapshot_at.localeCompare(a.snapshot_at)).slice(0, SHOWN);
  if (!newest.length) {
    byId("backup-list").replaceChildren(el("p", { class: "empty" }, "No backups yet."));
    return;
  }
  view.fill(newest, (backup) => `${backup.table}/${backup.id}`);
  if (!view.whole.isConnected) byId("backup-list").replaceChildren(view.whole);
}

async function backUp(name, button) {
  button.disabled = true;
  button.textContent = "Backing up";
  try {
    await post(`/backup_table/${name}`, {});
    notify(name === ALL ? "All tables are backed up." : `${name} is backed up.`);
  } finally {
    button.disabled = false;
    button.textContent = "Back up";
    announce("backups");
  }
}

const COLUMNS = [
  {
    title: "Table",
    plain: true,
    class: "main",
    cell: origin,
  },
  { title: "Taken", class: "whole", cell: ({ snapshot_at: at }) => time(at) },
  { title: "Rows", class: "number", cell: ({ rows }) => number(rows) },
  { title: "Size", class: "number", cell: ({ size_bytes: bytes }) => size(bytes) },
  { title: "Checked", cell: verified },
  { class: "number", cell: restoreButton },
];

function origin({ table: name, scheduled, sender, id }) {
  const by = scheduled ? "by schedule" : `by ${sender}`;
  return [name, el("small", {}, `${id} ${by}`)];
}

function verified({ verified: isVerified, verified_at: at, damage }) {
  const badge = el(
    "span",
    { class: `badge ${isVerified ? "good" : "bad"}`, title: time(at) },
    isVerified ? "Verified" : "Damaged",
  );
  return el("span", {}, badge, damage && el("small", { class: "error" }, damage));
}

function restoreButton(backup) {
  const label = `Restore ${backup.table}, ${plural(backup.rows, "row")} of ${time(backup.snapshot_at)}`;
  const click = () => restore(backup, () => announce("loads"));
  return el(
    "button",
    { type: "button", class: "small", "aria-label": label, on: { click } },
    "Restore",
  );
}
