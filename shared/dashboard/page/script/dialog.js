// The page's only dialog. The browser keeps the focus in it, and returns it afterwards.
import { byId, el } from "./dom.js";

export function open(title, ...content) {
  const dialog = byId("dialog");
  dialog.replaceChildren(el("h2", { id: "dialog-title" }, title), ...content.flat());
  dialog.showModal();
  return dialog;
}

export const close = () => byId("dialog").close();

export function actions(...buttons) {
  const cancel = el("button", { type: "button", on: { click: close } }, "Cancel");
  return el("div", { class: "actions" }, cancel, ...buttons);
}
