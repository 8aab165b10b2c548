import { createHash, randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { stateDir } from "../base/paths.ts";

/**
 * A name for the state that made a domain, so that two computers with states of their own do not clear away each
 * other's machines. A shared backend is named by its address, a local one by a random word kept beside it.
 */
export function stateOwner(team: string, backend: string | undefined = process.env.PULUMI_BACKEND_URL): string {
  if (backend !== undefined && !backend.startsWith("file://")) {
    return createHash("sha256").update(backend).digest("hex").slice(0, 8);
  }
  const file = stateDir(team, "owner");
  if (!existsSync(file)) makeOwner(file);
  return readFileSync(file, "utf8").trim();
}

/** Whole or not at all, and never over another's: a team's first stacks are made side by side, each by a process of its own. */
function makeOwner(file: string): void {
  const word = randomBytes(4).toString("hex");
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.${word}`;
  try {
    writeFileSync(temporary, `${word}\n`);
    linkSync(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}
