// Numbers, sizes and times as people read them.
const whole = new Intl.NumberFormat("en");
const tenths = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });
const moment = new Intl.DateTimeFormat("en-GB", {
  dateStyle: "medium",
  timeStyle: "medium",
  timeZone: "UTC",
});

export const number = (value) => whole.format(value);
export const mean = (value) => tenths.format(value);
export const label = (name) => {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
};
export const plural = (count, one, many = `${one}s`) =>
  `${number(count)} ${count === 1 ? one : many}`;
export const time = (iso) => (iso ? `${moment.format(new Date(iso))} UTC` : "–");

// Times, not "3 minutes ago": they stay true without being redrawn.
export const date = (iso) => day.format(new Date(iso));
export const clock = (iso) => new Date(iso).toISOString().slice(11, 19);

export function size(bytes) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const shown = bytes / 1000 ** step;
  return `${step && shown < 10 ? shown.toFixed(1) : Math.round(shown)} ${units[step]}`;
}

// gs://bucket/sender/table/20260102T030405Z-1a2b3c4d-july.csv#17 was sent as july.csv.
export function source(text) {
  const object = /^gs:\/\/[^/]+\/(.+)#\d+$/s.exec(text);
  if (!object) return { name: text, path: "" };
  const last = object[1].split("/").pop();
  return { name: last.replace(/^\d{8}T\d{6}Z-[0-9a-f]{8}-/, ""), path: object[1] };
}

export function value(given) {
  if (given === null || given === undefined) return "null";
  return typeof given === "object" ? JSON.stringify(given) : String(given);
}
