import { readFile, realpath, stat } from "node:fs/promises";
import { replaceFile } from "../base/durable.ts";
import { setInText, type TextValue } from "../team/edit.ts";
import { parseTeam } from "../team/load.ts";
import type { LoadedTeam } from "../team/model.ts";
import type { Path } from "../team/source.ts";

/**
 * Sets one value in a team file and gives the team as it is then. Comments and style stay; a reader sees the
 * old file or the new one, never half of it. Nothing is written when the result is not a sound team file.
 */
export function writeTeamValue(file: string, path: Path, value: TextValue): Promise<LoadedTeam> {
  return writeTeam(file, (text) => setInText(text, path, value));
}

/** Changes a team file's text as a whole, with the same care. */
export async function writeTeam(file: string, change: (text: string) => string): Promise<LoadedTeam> {
  const target = await realpath(file);
  const text = change(await readFile(target, "utf8"));
  const team = parseTeam(text, file);
  const { mode } = await stat(target);
  await replaceFile(target, text, mode & 0o777);
  return team;
}
