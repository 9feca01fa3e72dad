// Short messages that disappear by themselves; screen readers announce them too.
import { byId, el } from "./dom.js";

const SECONDS = 7;

export function notify(text, kind = "") {
  const notice = el("p", { class: `notice ${kind}` }, text);
  byId("notices").append(notice);
  setTimeout(() => notice.remove(), SECONDS * 1000);
}

export const notifyError = (error) => notify(error.message, "error");
