// A restore: a preview shows what it would do before it can be started.
import { post } from "./api.js";
import * as dialog from "./dialog.js";
import { el } from "./dom.js";
import { number, plural, time, value } from "./format.js";
import { notify } from "./notices.js";

const MODES = [
  ["replace", "Replace", "The table gets exactly the rows of the backup; other rows are deleted."],
  ["merge", "Merge", "Rows of the backup are added or updated; no rows are deleted."],
];
const CHANGES = ["inserted", "updated", "deleted", "unchanged"];

export function restore(backup, done) {
  const submit = el("button", { type: "submit", class: "danger", disabled: true }, "Restore");
  const preview = el("div", { "aria-live": "polite" });
  const refresh = (mode) => showPreview(backup, mode, preview, submit);
  const choices = MODES.map(([mode, title, note], i) =>
    choice(mode, title, note, i === 0, refresh),
  );
  const form = el(
    "form",
    {},
    el("fieldset", {}, el("legend", {}, "Mode"), choices),
    preview,
    dialog.actions(submit),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    await carryOut(backup, new FormData(form).get("mode"), preview, done);
  });
  const summary = `${plural(backup.rows, "row")} of ${time(backup.snapshot_at)}`;
  dialog.open(`Restore ${backup.table}`, el("p", { class: "muted" }, summary), form);
  refresh(MODES[0][0]);
}

function choice(mode, title, note, isChosen, refresh) {
  const id = `mode-${mode}`;
  const radio = el("input", {
    type: "radio",
    name: "mode",
    id,
    value: mode,
    checked: isChosen,
    on: { change: () => refresh(mode) },
  });
  return el(
    "div",
    { class: "choice" },
    radio,
    el("label", { for: id }, title),
    el("small", {}, note),
  );
}

async function showPreview(backup, mode, preview, submit) {
  submit.disabled = true;
  preview.dataset.mode = mode;
  preview.replaceChildren(el("p", { class: "muted" }, "Checking what would change"));
  const [content, isPossible] = await ask(backup, mode, true).then(
    (answer) => {
      preview.dataset.deleted = answer.deleted.count;
      return [numbers(answer), true];
    },
    (error) => [el("p", { class: "error" }, error.message), false],
  );
  // Another mode may have been chosen in the meantime.
  if (preview.dataset.mode !== mode) return;
  preview.replaceChildren(content);
  submit.disabled = !isPossible;
}

function ask(backup, mode, isDry, confirm = null) {
  return post(`/restore_table/${backup.table}`, {
    backup: backup.id,
    mode,
    dry_run: isDry,
    confirm,
  });
}

function numbers(answer) {
  const facts = CHANGES.map((name) => {
    const { count, examples } = answer[name];
    const keys = name === "unchanged" ? "" : examples.map(keyOf).join(", ");
    const note = keys && el("small", {}, count > examples.length ? `such as ${keys}` : keys);
    return el("div", {}, el("dt", {}, `would be ${name}`), el("dd", {}, number(count), note));
  });
  return el("dl", { class: "preview" }, facts);
}

const keyOf = (key) => Object.values(key).map(value).join(" / ");

async function carryOut(backup, mode, preview, done) {
  try {
    const answer = await ask(backup, mode, false, Number(preview.dataset.deleted));
    dialog.close();
    const counts = CHANGES.slice(0, 3)
      .map((name) => `${number(answer[name].count)} ${name}`)
      .join(", ");
    notify(`${backup.table} is restored: ${counts}.`);
    done();
  } catch (error) {
    preview.replaceChildren(el("p", { class: "error", role: "alert" }, error.message));
  }
}
