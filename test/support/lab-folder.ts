import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { identify, isAlive, type ProcessId } from "../../src/base/process.ts";
import { olympusOk } from "./olympus.ts";

/** What the command line needs to know of a lab in such a folder. */
export const labEnvironment = (top: string) => ({
  OLYMPUS_STATE: join(top, "state"),
  OLYMPUS_CACHE: join(top, "cache"),
  XDG_CONFIG_HOME: join(top, "config"),
});

/** A folder for a test's own lab, with room for disks. Labs of tests that were killed are ended and removed first. */
export async function labFolder(kind: string, parent = "/var/tmp"): Promise<string> {
  for (const name of readdirSync(parent)) if (/^olympus-\w+-test-/.test(name)) await sweep(join(parent, name));
  const top = mkdtempSync(join(parent, `olympus-${kind}-test-`));
  writeFileSync(join(top, "owner.json"), JSON.stringify(identify(process.pid)));
  return top;
}

async function sweep(top: string): Promise<void> {
  let owner: ProcessId;
  try {
    owner = JSON.parse(readFileSync(join(top, "owner.json"), "utf8")) as ProcessId;
  } catch (error) {
    // Being made at this moment, or removed.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if (isAlive(owner)) return;
  await olympusOk(["lab", "down", "--purge", "--yes"], { env: labEnvironment(top) });
  rmSync(top, { recursive: true, force: true });
}
