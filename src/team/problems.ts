import { exitCodes, OlympusError, OlympusErrors } from "../base/errors.ts";
import type { LoadedTeam } from "./model.ts";
import type { Path, Place, TeamSource } from "./source.ts";

export type ProblemCode =
  | "E-TEAM-SYNTAX"
  | "E-TEAM-KEY"
  | "E-TEAM-MISSING"
  | "E-TEAM-VALUE"
  | "E-TEAM-REF"
  | "E-TEAM-DUPLICATE"
  | "E-TEAM-ADDRESS"
  | "E-TEAM-MODEL"
  | "E-TEAM-BUDGET"
  | "E-TEAM-PERSONA"
  | "E-CAPACITY";

/** One thing wrong in the team file, by the path of the value (or, with `part`, of the key) that is to be changed. */
export interface Problem {
  readonly code: ProblemCode;
  readonly path: Path;
  /** What the caret points at; the value unless said otherwise. */
  readonly part?: "key" | "value";
  readonly message: string;
  /** The next step; several lines where sums are to be shown. */
  readonly fix: string;
  /** The value holds a secret: no excerpt shows it, of this problem or of another on its line. */
  readonly secret?: true;
}

/** A team file with problems. Where only its capacity is wrong, the team that it describes comes along, for `olympus plan`. */
export class TeamProblems extends OlympusErrors {
  readonly team: LoadedTeam | undefined;

  constructor(message: string, errors: readonly OlympusError[], team: LoadedTeam | undefined) {
    super(message, errors);
    this.name = "TeamProblems";
    this.team = team;
  }
}

/** Problems beyond this are counted, not shown. */
const shownAtMost = 50;
/** An excerpt is cut around its caret to this many characters. */
const excerptWidth = 110;

/** All problems of a file in the order of its lines, as one error of exit code 1. `file` is shown as given. */
export function problemsError(
  file: string,
  source: TeamSource,
  problems: readonly Problem[],
  team: LoadedTeam | undefined,
): TeamProblems {
  const placed = [
    ...source.syntax.map(({ place, message, fix }) => ({ place, message, fix, code: "E-TEAM-SYNTAX" as const })),
    ...problems.map((problem) => ({ ...problem, place: source.place(problem.path, problem.part ?? "value") })),
  ].sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);

  const secrets = problems.flatMap(({ path, secret }) => (secret ? [source.place(path, "value")] : []));
  const seen = new Set<string>();
  const errors = placed.flatMap(({ place, message, fix, code }) => {
    const { where, excerpt } = shownPlace(file, source, place, secrets);
    const id = `${where} ${message}`;
    if (seen.has(id)) return [];
    seen.add(id);
    return [new OlympusError(message, { code, exit: exitCodes.usage, where, hint: fix, excerpt })];
  });
  const count = errors.length === 1 ? "1 problem" : `${errors.length} problems`;
  const cut = errors.length > shownAtMost ? `, the first ${shownAtMost} shown` : "";
  return new TeamProblems(
    `${file}: ${count}${cut}; nothing was asked of any machine`,
    errors.slice(0, shownAtMost),
    team,
  );
}

/** `team.yaml:41:15`, and what stands there. */
export function shownPlace(
  file: string,
  source: TeamSource,
  place: Place,
  secrets: readonly Place[] = [],
): { where: string; excerpt: string } {
  return { where: `${file}:${place.line}:${place.column}`, excerpt: excerptOf(source, place, secrets) };
}

/** The line as written, and below it carets under what is wrong: `   41 |   template: mediun` / `      |             ^^^^^^`. */
function excerptOf(source: TeamSource, { line, column, length }: Place, secrets: readonly Place[]): string {
  const text = secrets
    .filter((secret) => secret.line === line)
    .reduce(
      (whole, secret) => {
        const to = secret.column - 1 + secret.length;
        return whole.slice(0, secret.column - 1) + "*".repeat(secret.length) + whole.slice(to);
      },
      source.line(line).replaceAll("\t", "→"),
    );
  const from = text.length <= excerptWidth ? 0 : Math.max(0, Math.min(column - 20, text.length - excerptWidth));
  const shown = text.slice(from, from + excerptWidth).trimEnd();
  const left = column - 1 - from;
  const carets = "^".repeat(Math.max(1, Math.min(length, excerptWidth - left)));
  const number = String(line).padStart(4);
  return `${number} | ${shown}\n${" ".repeat(number.length)} | ${" ".repeat(left)}${carets}`;
}
