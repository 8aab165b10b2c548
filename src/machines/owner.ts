import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeOnce } from "../base/durable.ts";
import { ownBackend, stateDir } from "../base/paths.ts";

/**
 * A name for the state that made a domain, so that two computers with states of their own do not clear away each
 * other's machines. A backend elsewhere is named by its address. A folder has a random word in it: one that several computers share has one
 * for all of them, wherever each mounts it, and two folders of the same path have two.
 */
export function stateOwner(team: string, backend: string = process.env.PULUMI_BACKEND_URL ?? ownBackend(team)): string {
  if (!backend.startsWith("file://")) return createHash("sha256").update(backend).digest("hex").slice(0, 8);
  const folder = fileURLToPath(backend);
  const file = join(folder, "owner");
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Machines that are standing may have the word that was kept beside the folder once.
    const before = stateDir(team, "owner");
    const word = existsSync(before) ? readFileSync(before, "utf8") : `${randomBytes(4).toString("hex")}\n`;
    // Once: a team's first stacks are made side by side, each by a process of its own.
    makeOnce(file, word, 0o644);
  }
  return readFileSync(file, "utf8").trim();
}
