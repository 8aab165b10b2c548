import { randomBytes } from "node:crypto";
import { readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { setInText } from "../team/edit.ts";
import { parseTeam } from "../team/load.ts";
import type { LoadedTeam } from "../team/model.ts";
import type { Path } from "../team/source.ts";

/**
 * Sets one value in a team file and gives the team as it is then. Comments and style stay; a reader sees the
 * old file or the new one, never half of it. Nothing is written when the result is not a sound team file.
 */
export async function writeTeamValue(file: string, path: Path, value: string | number): Promise<LoadedTeam> {
  const target = await realpath(file);
  const text = setInText(await readFile(target, "utf8"), path, value);
  const team = parseTeam(text, file);
  const { mode } = await stat(target);
  const temporary = `${target}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    await writeFile(temporary, text, { mode: mode & 0o777, flag: "wx" });
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return team;
}
