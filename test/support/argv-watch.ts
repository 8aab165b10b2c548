import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

// Looks at every process's arguments and environment, over and over, for the words on stdin, one a line. Prints each find; lab machines'
// processes are among them. It sees what processes call themselves while they run; what is gone in a moment is exec-watch.py's.
const words = readFileSync(0, "utf8")
  .split("\n")
  .filter((word) => word !== "");
process.stdout.write("watching\n");
/** What each process was called when it was last looked at: only what has become another program has another environment. */
let known = new Map<string, string>();
for (;;) {
  const now = new Map<string, string>();
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const called = read(`/proc/${pid}/cmdline`);
    now.set(pid, called);
    if (known.get(pid) === called) continue;
    for (const [file, text] of [
      ["cmdline", called],
      ["environ", read(`/proc/${pid}/environ`)],
    ] as const) {
      for (const word of words.filter((word) => text.includes(word)))
        process.stdout.write(`found in ${file} of ${called.split("\0")[0]}: ${word}\n`);
    }
  }
  known = now;
  await pause(1);
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return ""; // It has ended since.
  }
}
