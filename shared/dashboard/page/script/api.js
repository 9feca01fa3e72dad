// Calls to the API with the token. Every failure is a Problem.
import { signOut, token } from "./session.js";

export class Problem extends Error {
  constructor(status, document) {
    super(document.detail ?? document.title ?? `The call was answered with ${status}.`);
    this.status = status;
    this.type = (document.type ?? "").split(":").pop();
    this.document = document;
  }

  // The platform is down or busy: the same call may succeed later.
  get isTransient() {
    return this.status === 0 || this.status >= 500;
  }

  get isScope() {
    return this.status === 403;
  }
}

const cache = new Map(); // GET answers by path, valid as long as their ETag

export function forget() {
  cache.clear();
}

export async function get(path) {
  const before = cache.get(path);
  const headers = before ? { "If-None-Match": before.etag } : {};
  const response = await send(path, { headers });
  if (response.status === 304 && before) return before.body;
  const body = await read(response);
  const etag = response.headers.get("ETag");
  if (etag) cache.set(path, { etag, body });
  return body;
}

export async function post(path, body) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const headers = { "Content-Type": "application/json" };
  return read(await send(path, { method: "POST", headers, body: text }));
}

export async function getFile(path) {
  const response = await send(path, { headers: { Accept: "text/csv" } });
  if (!response.ok) await read(response);
  return response.blob();
}

async function send(path, request) {
  const used = token();
  const headers = { Accept: "application/json", ...request.headers, "X-Token": used };
  let response;
  try {
    response = await fetch(path, { ...request, headers, cache: "no-store" });
  } catch {
    throw new Problem(0, { detail: "The platform does not answer; is it running?" });
  }
  if (response.status === 401 && used === token()) tokenRejected();
  return response;
}

export function tokenRejected() {
  forget();
  if (token()) signOut("This token is not known or has expired; sign in with another.");
}

async function read(response) {
  const document = parsed(await response.text());
  if (!response.ok) throw new Problem(response.status, document ?? {});
  return document;
}

// Keeps the digits of whole numbers beyond 2^53 as a string, if the browser provides them.
export function parsed(text) {
  try {
    return JSON.parse(text, (_, value, context) =>
      typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)
        ? (context?.source ?? value)
        : value,
    );
  } catch {
    return null;
  }
}
