import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parse } from "yaml";
import type { LoadedTeam } from "./model.ts";
import { resolveTeam } from "./resolve.ts";
import { teamSchema } from "./schema.ts";

/** Reads, checks and resolves a team file. */
export async function loadTeam(file: string): Promise<LoadedTeam> {
  const path = resolve(file);
  return resolveTeam(path, teamSchema.parse(parse(await readFile(path, "utf8"))));
}
