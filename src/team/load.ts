import { readFile, stat } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { exitCodes, messageOf, OlympusError } from "../base/errors.ts";
import { checkAddresses } from "./checks/addresses.ts";
import { checkCapacity } from "./checks/capacity.ts";
import { checkMacs } from "./checks/macs.ts";
import { checkMoney } from "./checks/money.ts";
import { checkNames } from "./checks/names.ts";
import { checkPersonas } from "./checks/personas.ts";
import { checkPolicy } from "./checks/policy.ts";
import { checkReferences } from "./checks/references.ts";
import { checkRepositories } from "./checks/repositories.ts";
import { checkSchedules } from "./checks/schedules.ts";
import { draftOf } from "./draft.ts";
import type { LoadedTeam } from "./model.ts";
import { ownRoles } from "./own-roles.ts";
import { type Problem, problemsError, shownPlace } from "./problems.ts";
import { resolveTeam } from "./resolve.ts";
import { teamSchema } from "./schema.ts";
import { type Path, parseSource } from "./source.ts";
import { schemaProblems } from "./values.ts";

/** A team of two hundred agents takes 100 kB; whatever is far larger is not a team file. */
const maxBytes = 2 * 1024 * 1024;

/** Every check beyond the schema; each looks at the whole draft and finds all that it knows of. */
const checks = [
  checkNames,
  checkAddresses,
  checkMacs,
  checkReferences,
  checkMoney,
  checkPersonas,
  checkSchedules,
  checkPolicy,
  checkRepositories,
  checkCapacity,
];

/**
 * Reads, checks and resolves a team file.
 *
 * Throws TeamProblems with everything that is wrong in it, each with place, excerpt and fix (exit 1),
 * or OlympusError E-TEAM-FILE when there is nothing to read.
 */
export async function loadTeam(file: string): Promise<LoadedTeam> {
  const path = resolve(file);
  return parseTeam(await readTeam(path), path);
}

/** The same from text; `file` is where relative paths start and how places are shown. */
export function parseTeam(text: string, file: string): LoadedTeam {
  const source = parseSource(text);
  const problems: Problem[] = [];
  let team: LoadedTeam | undefined;
  if (source.value !== undefined) {
    const { data, error } = teamSchema.safeParse(source.value);
    if (error !== undefined) problems.push(...schemaProblems(error.issues, source.value));
    const draft = draftOf(source.value, ownRoles(file).keys());
    for (const check of checks) problems.push(...check(draft));
    if (data !== undefined && source.syntax.length === 0) {
      const where = (path: Path): string => `${shownPath(file)}:${source.place(path, "key").line}`;
      const show = (path: Path, part: "key" | "value") => shownPlace(shownPath(file), source, source.place(path, part));
      const resolved: LoadedTeam = { ...resolveTeam(file, data), where, show };
      if (problems.length === 0) return resolved;
      if (problems.every(({ code }) => code === "E-CAPACITY")) team = resolved;
    }
  }
  throw problemsError(shownPath(file), source, problems, team);
}

async function readTeam(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > maxBytes)
      throw new Error(`it is ${Math.round(size / 1024 / 1024)} MB large, more than the 2 MB that any team takes`);
    return await readFile(path, "utf8");
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new OlympusError(missing ? "there is no team file" : `the team file cannot be read: ${messageOf(error)}`, {
      code: "E-TEAM-FILE",
      exit: exitCodes.usage,
      where: shownPath(path),
      hint: "Name one with --team or OLYMPUS_TEAM, or start from examples/lab/team.yaml with a name of your own.",
      cause: error,
    });
  }
}

/** As a person in this folder would write it. */
export function shownPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near === "" || near.startsWith("..") ? path : near;
}
