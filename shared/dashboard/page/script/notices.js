// Short messages that come and go; screen readers hear them too.
import { byId, el } from "./dom.js";

const SECONDS = 7;

export function tell(text, kind = "") {
  const notice = el("p", { class: `notice ${kind}` }, text);
  byId("notices").append(notice);
  setTimeout(() => notice.remove(), SECONDS * 1000);
}

export const tellFault = (error) => tell(error.message, "fault");
