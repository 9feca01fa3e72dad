// Events between sections: "loads" when the ledger has changed, "warehouse" when the metrics may
// have changed, "rejects" when rows were corrected, "reasons" with the counts of rows to correct.
export const changes = new EventTarget();

export function announce(name, detail = null) {
  changes.dispatchEvent(new CustomEvent(name, { detail }));
}

// Runs a refresh now and at each of the named events, at least `gapSeconds` apart. Events that
// arrive while one is running lead to one more.
export function follow(names, refresh, gapSeconds = 0) {
  let isRunning = false;
  let again = false;
  let last = -Infinity;
  const run = async () => {
    again = true;
    if (isRunning) return;
    isRunning = true;
    while (again) {
      await pause(last + gapSeconds * 1000 - performance.now());
      again = false;
      last = performance.now();
      await refresh();
    }
    isRunning = false;
  };
  for (const name of names) changes.addEventListener(name, run);
  return run;
}

const pause = (ms) => (ms > 0 ? new Promise((wake) => setTimeout(wake, ms)) : null);
