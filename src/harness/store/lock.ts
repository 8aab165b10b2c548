import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { exitCodes, OlympusError } from "../../base/errors.ts";

/**
 * Makes this process the only harness on `dir` until `release`, or until it ends in whatever way: the lock is the
 * kernel's, held through SQLite, so a killed process leaves none behind. Throws E-AGENT-RUNNING when another holds it.
 */
export function lockDataDir(dir: string): { release(): void } {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, "lock.sqlite");
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE");
  } catch (cause) {
    db.close();
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
