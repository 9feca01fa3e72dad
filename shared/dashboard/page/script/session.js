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

// A link from `./tablegate open` holds a code that is good for one token, once. Returns why it is
// not, or "".
export async function signInByLink() {
  const [name, code] = location.hash.slice(1).split("=");
  if (name !== "sign-in" || !code) return "";
  // Neither the history nor a reload should have it.
  history.replaceState(null, "", location.pathname + location.search);
  const answer = await fetch("/sign-in", { method: "POST", body: code });
  const found = await answer.json();
  if (!answer.ok) return found.detail;
  signIn(found.token);
  return "";
}
