// The form in which a row is corrected and sent through the gate again.
import { post } from "./api.js";
import * as dialog from "./dialog.js";
import { el, show } from "./dom.js";
import { plural, value } from "./format.js";
import { tell } from "./notices.js";
import { fieldsOf } from "./platform.js";
import { asItCame } from "./reject.js";

const DIGITS = /^-?\d+$/;

export function correct(row, done) {
  const fields = fieldsOf(row.table).map((field, i) => input(field, i, row));
  const fault = el("p", { class: "fault", role: "alert", hidden: true });
  const submit = el("button", { class: "primary", type: "submit" }, "Replay");
  const form = el(
    "form",
    { novalidate: true },
    fields.map((field) => field.whole),
    fault,
    dialog.actions(submit),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    try {
      await replay(row, fields, fault, done);
    } catch (error) {
      tellIn(fault, error.message);
    }
    submit.disabled = false;
  });
  dialog.open(
    `Correct a row of ${row.table}`,
    el("p", { class: "muted" }, "It came as"),
    asItCame(row),
    form,
  );
  (fields.find((field) => field.isWrong) ?? fields[0])?.input.focus();
}

function input({ name, description, input: asked }, i, row) {
  const errors = row.errors.filter((error) => error.field === name);
  const given = Array.isArray(row.raw) ? row.raw[i] : row.raw?.[name];
  const [id, faultId] = [`correct-${name}`, `correct-${name}-fault`];
  const box = el("input", {
    id,
    name,
    autocomplete: "off",
    inputmode: asked.inputmode,
    "aria-describedby": faultId,
    placeholder: asked.placeholder || description,
  });
  box.value = given === undefined || given === null ? "" : value(given);
  const fault = el("p", { class: "fault", id: faultId });
  const field = { name, sends: asked.sends, input: box, isWrong: errors.length > 0 };
  field.mark = (messages) => {
    fault.textContent = messages.join(" ");
    box.setAttribute("aria-invalid", String(messages.length > 0));
  };
  field.mark(errors.map((error) => error.message));
  field.whole = el("div", { class: "field" }, el("label", { for: id }, name), box, fault);
  return field;
}

async function replay(row, fields, fault, done) {
  const answer = await post("/rejected_rows/replay", body(row, fields));
  const still = answer.rejected[0];
  show(fault, false);
  if (still) {
    for (const field of fields) field.mark(still.errors[field.name] ?? []);
    if (still.errors._row) tellIn(fault, still.errors._row.join(" "));
    fields.find((field) => still.errors[field.name])?.input.focus();
    return;
  }
  dialog.close();
  tell(outcome(answer));
  done();
}

function outcome({ loads, not_open: notOpen }) {
  if (notOpen.length) return "Somebody else has corrected or discarded this row in the meantime.";
  const { inserted, updated, waiting, rejected } = loads[0].counts;
  if (waiting) return "The row fits, and waits for its parent row.";
  if (rejected) return "The row was rejected again; see its reason in the list.";
  return `Replayed: ${plural(inserted + updated, "row")} stored.`;
}

// Written by hand: a 64-bit integer would not survive a number of JavaScript's.
function body(row, fields) {
  const pairs = fields.map(({ name, sends, input: { value: text } }) => {
    const isWhole = sends === "integer" && DIGITS.test(text);
    return `${JSON.stringify(name)}:${isWhole ? String(BigInt(text)) : JSON.stringify(text)}`;
  });
  return `{"rows":{"${row.reject_id}":{${pairs.join(",")}}}}`;
}

function tellIn(place, text) {
  place.textContent = text;
  show(place, true);
}
