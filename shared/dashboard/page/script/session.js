// The token, kept for this tab only; its listeners are called when it ends.
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
