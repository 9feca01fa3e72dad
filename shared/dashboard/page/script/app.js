// The page: signing in and out, and when each section refreshes.
import { forget, get } from "./api.js";
import { refreshBackups, startBackups } from "./backups.js";
import { startCards } from "./cards.js";
import { follow } from "./changes.js";
import { byId, show } from "./dom.js";
import { refreshFreshness, startFreshness } from "./freshness.js";
import { startLoads, stop, watch } from "./loads.js";
import { loadMetrics, refreshMetrics, startMetrics } from "./metrics.js";
import { loadTables } from "./platform.js";
import { refreshRejects, startRejects } from "./rejects.js";
import { session, signIn, signInByLink, signOut, token } from "./session.js";
import { startUploads } from "./uploads.js";

for (const start of [
  startCards,
  startMetrics,
  startLoads,
  startRejects,
  startUploads,
  startBackups,
  startFreshness,
])
  start();

// These refreshes query BigQuery, and queries cost money.
const QUERY_GAP_SECONDS = 5;
const metricsRun = follow(["warehouse"], refreshMetrics, QUERY_GAP_SECONDS);
const rejectsRun = follow(["loads", "rejects"], refreshRejects);
const freshnessRun = follow(["loads", "warehouse"], refreshFreshness, QUERY_GAP_SECONDS);
const backupsRun = follow(["backups"], refreshBackups);

async function open() {
  show(byId("login"), false);
  show(byId("app"), true);
  await Promise.all([loadTables(), loadMetrics()]);
  await Promise.all([watch(), metricsRun(), rejectsRun(), freshnessRun(), backupsRun()]);
}

function close(why) {
  stop();
  forget();
  byId("dialog").close();
  show(byId("app"), false);
  show(byId("login"), true);
  showError(why);
  byId("token").focus();
}

function showError(text) {
  byId("sign-in-error").textContent = text;
  show(byId("sign-in-error"), text !== "");
}

byId("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  signIn(byId("token").value.trim());
  byId("token").value = "";
  try {
    await get("/loads?limit=1");
  } catch (error) {
    // A token without this scope may open other sections; each section says which scope it needs.
    if (error.status === 401) return;
    if (!error.isScope) return showError(error.message);
  }
  showError("");
  await open();
});

byId("sign-out").addEventListener("click", () => {
  signOut();
  location.reload(); // so that no data stays in the page
});
session.addEventListener("ended", ({ detail }) => close(detail));

// Marks the link of the section being read: the last section that starts in the upper third of the
// window, or the last section if the page is scrolled to its end.
function mark() {
  const links = [...document.querySelectorAll(".bar nav a:not([hidden])")];
  const begun = links.filter(
    (link) => document.querySelector(link.hash).getBoundingClientRect().top < innerHeight / 3,
  );
  const isEnd = scrollY > 0 && scrollY + innerHeight > document.documentElement.scrollHeight - 2;
  const read = (isEnd ? links : begun).at(-1) ?? links[0];
  for (const link of links) {
    if (link === read) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}
addEventListener("scroll", mark, { passive: true });
// Sections grow as they are filled.
new ResizeObserver(mark).observe(document.body);

const why = await signInByLink();
if (token()) open();
else close(why);
