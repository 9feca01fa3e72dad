// The page: who is signed in, and when each section refreshes.
import { forget, get } from "./api.js";
import { refreshBackups, startBackups } from "./backups.js";
import { follow } from "./changes.js";
import { startDepartments } from "./departments.js";
import { byId, show } from "./dom.js";
import { refreshFreshness, startFreshness } from "./freshness.js";
import { startHires } from "./hires.js";
import { startLoads, stop, watch } from "./loads.js";
import { refreshMetrics } from "./metrics.js";
import { learn } from "./platform.js";
import { refreshRejects, startRejects } from "./rejects.js";
import { session, signIn, signOut, token } from "./session.js";
import { startUploads } from "./uploads.js";

for (const start of [
  startHires,
  startDepartments,
  startLoads,
  startRejects,
  startUploads,
  startBackups,
  startFreshness,
])
  start();

// Each of these asks BigQuery, which counts what it is asked.
const QUERY_GAP_SECONDS = 5;
const metricsRun = follow(["warehouse"], refreshMetrics, QUERY_GAP_SECONDS);
const rejectsRun = follow(["loads", "rejects"], refreshRejects);
const freshnessRun = follow(["loads", "warehouse"], refreshFreshness, QUERY_GAP_SECONDS);
const backupsRun = follow(["backups"], refreshBackups);

async function open() {
  show(byId("door"), false);
  show(byId("app"), true);
  await learn();
  await Promise.all([watch(), metricsRun(), rejectsRun(), freshnessRun(), backupsRun()]);
}

function close(why) {
  stop();
  forget();
  byId("dialog").close();
  show(byId("app"), false);
  show(byId("door"), true);
  fault(why);
  byId("token").focus();
}

function fault(text) {
  byId("sign-in-fault").textContent = text;
  show(byId("sign-in-fault"), text !== "");
}

byId("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  signIn(byId("token").value.trim());
  byId("token").value = "";
  try {
    await get("/dashboard/loads?limit=1");
  } catch (error) {
    // A token of another scope is good for other sections, each of which says what it lacks.
    if (error.status === 401) return;
    if (!error.isScope) return fault(error.message);
  }
  fault("");
  await open();
});

byId("sign-out").addEventListener("click", () => {
  signOut();
  location.reload(); // nothing that was shown stays in the page
});
session.addEventListener("ended", ({ detail }) => close(detail));

// The link of the section that is read: the last one that has begun in the upper third, or at the
// end of the page the last of all.
function mark() {
  const links = [...document.querySelectorAll(".bar nav a")];
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

if (token()) open();
else close("");
