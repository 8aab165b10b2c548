import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { exitCodes, messageOf, OlympusError } from "../../base/errors.ts";

/** SQLite's code for a lock that another holds. */
const busy = 5;

/**
 * Makes this process the only harness on `dir` until `release`, or until it ends in whatever way: the lock is the
 * kernel's, held through SQLite, so a killed process leaves none behind. Takes no room on the disk. Throws E-AGENT-RUNNING when another
 * holds it, E-AGENT-DATABASE when it cannot be known.
 */
export function lockDataDir(dir: string): { release(): void } {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, "lock.sqlite");
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    // Nothing is ever written: a journal in a file would want room for that.
    db.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (cause) {
    db.close();
    if ((cause as { errcode?: unknown }).errcode !== busy)
      throw new OlympusError(`cannot lock the data directory: ${messageOf(cause)}`, {
        code: "E-AGENT-DATABASE",
        where: path,
        hint: "look at free space and owner of the folder; the file holds nothing and may be removed while no harness runs",
        cause,
      });
    throw new OlympusError("another harness runs on this data directory", {
      code: "E-AGENT-RUNNING",
      exit: exitCodes.locked,
      where: dir,
      hint: "stop it first:  systemctl stop olympus-agent",
      cause,
    });
  }
  return { release: () => db.close() };
}
