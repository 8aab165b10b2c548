import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { makeOnce } from "../base/durable.ts";
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
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true });
    // Once: a team's first stacks are made side by side, each by a process of its own.
    makeOnce(file, `${randomBytes(4).toString("hex")}\n`, 0o644);
  }
  return readFileSync(file, "utf8").trim();
}
