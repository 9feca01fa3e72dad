// The token, kept in this tab only; `session` has an event for its end.
const KEY = "tablegate-token";
export const session = new EventTarget();

export const token = () => sessionStorage.getItem(KEY) ?? "";

export function signIn(given) {
  sessionStorage.setItem(KEY, given);
}

export function signOut(why = "") {
  sessionStorage.removeItem(KEY);
  session.dispatchEvent(new CustomEvent("ended", { detail: why }));
}
