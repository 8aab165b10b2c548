import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../src/base/paths.ts";

/** A program of this role as it is put on hosts. */
export function program(name: "backup.sh" | "store.sh"): string {
  return readFileSync(join(projectRoot, "roles/backup", name), "utf8");
}

export const programFolder = "/opt/olympus/backup";
/** Where backups of others lie, and who they belong to. */
export const storeFolder = "/srv/olympus/backups";
export const storeUser = "olympus-backup";
