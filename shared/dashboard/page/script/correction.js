// The form for correcting a row and sending it again.
import { post } from "./api.js";
import * as dialog from "./dialog.js";
import { el, show } from "./dom.js";
import { plural, value } from "./format.js";
import { notify } from "./notices.js";
import { fieldsOf } from "./platform.js";
import { originalCells } from "./reject.js";

const DIGITS = /^-?\d+$/;

export function correct(row, done) {
  const fields = fieldsOf(row.table).map((field, i) => input(field, i, row));
  const alert = el("p", { class: "error", role: "alert", hidden: true });
  const submit = el("button", { class: "primary", type: "submit" }, "Replay");
  const form = el(
    "form",
    { novalidate: true },
    fields.map((field) => field.whole),
    alert,
    dialog.actions(submit),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    try {
      await replay(row, fields, alert, done);
    } catch (error) {
      showIn(alert, error.message);
    }
    submit.disabled = false;
  });
  dialog.open(
    `Correct a row of ${row.table}`,
    el("p", { class: "muted" }, "The row as it was sent"),
    originalCells(row),
    form,
  );
  (fields.find((field) => field.isWrong) ?? fields[0])?.input.focus();
}

function input({ name, was, description, input: asked }, i, row) {
  const errors = row.errors.filter((error) => error.field === name);
  const named = [name, ...was].map((known) => row.raw?.[known]);
  const given = Array.isArray(row.raw) ? row.raw[i] : named.find((value) => value !== undefined);
  const [id, errorId] = [`correct-${name}`, `correct-${name}-error`];
  const box = el("input", {
    id,
    name,
    autocomplete: "off",
    inputmode: asked.inputmode,
    "aria-describedby": errorId,
    placeholder: asked.placeholder || description,
  });
  box.value = given === undefined || given === null ? "" : value(given);
  const message = el("p", { class: "error", id: errorId });
  const field = { name, sends: asked.sends, input: box, isWrong: errors.length > 0 };
  field.mark = (messages) => {
    message.textContent = messages.join(" ");
    box.setAttribute("aria-invalid", String(messages.length > 0));
  };
  field.mark(errors.map((error) => error.message));
  field.whole = el("div", { class: "field" }, el("label", { for: id }, name), box, message);
  return field;
}

async function replay(row, fields, alert, done) {
  const answer = await post("/rejected_rows/replay", body(row, fields));
  const still = answer.rejected[0];
  show(alert, false);
  if (still) {
    for (const field of fields) field.mark(still.errors[field.name] ?? []);
    if (still.errors._row) showIn(alert, still.errors._row.join(" "));
    fields.find((field) => still.errors[field.name])?.input.focus();
    return;
  }
  dialog.close();
  notify(outcome(answer));
  done();
}

function outcome({ loads, not_open: notOpen }) {
  if (notOpen.length) return "Someone else has already corrected or discarded this row.";
  const { inserted, updated, waiting } = loads[0].counts;
  if (waiting) return "The row is valid, and waits for its parent row.";
  return `Replayed: ${plural(inserted + updated, "row")} stored.`;
}

// Builds the JSON by hand, because a JavaScript number cannot hold every 64-bit integer.
function body(row, fields) {
  const pairs = fields.map(({ name, sends, input: { value: text } }) => {
    return `${JSON.stringify(name)}:${json(text, sends)}`;
  });
  return `{"rows":{"${row.reject_id}":{${pairs.join(",")}}}}`;
}

function json(text, sends) {
  // Nothing was given: an optional field has no value then.
  if (text === "") return "null";
  if (sends === "integer" && DIGITS.test(text)) return String(BigInt(text));
  return sends === "json" && isJson(text) ? text : JSON.stringify(text);
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function showIn(place, text) {
  place.textContent = text;
  show(place, true);
}
