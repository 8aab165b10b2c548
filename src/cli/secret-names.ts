import { missing } from "../../secrets/check.ts";
import type { SecretStore } from "../../secrets/store.ts";
import { OlympusError } from "../base/errors.ts";
import type { LoadedTeam } from "../team/model.ts";
import { nearest } from "../team/nearest.ts";

/**
 * What `act` gives. What it throws of a name that is not known, and near one that is set or wanted, asks whether that one is meant: the
 * usual next step would store a misspelt secret.
 */
export function namingSecrets<Result>(name: string, team: LoadedTeam, store: SecretStore, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof OlympusError) || !["E-SECRET-MISSING", "E-SECRET-ROTATE"].includes(error.code)) throw error;
    const meant = meantName(name, [...store.paths(), ...missing(team, store).map((one) => one.name)]);
    if (meant === undefined) throw error;
    const { message, code, exit, where } = error;
    throw new OlympusError(message, {
      ...{ code, exit, hint: `Did you mean ${meant}?`, cause: error },
      ...(where === undefined ? {} : { where }),
    });
  }
}

/** Part by part: agents.agent-2.github is no misspelt agents.agent-1.github, however near, where agent-2 is somebody. */
export function meantName(name: string, known: readonly string[]): string | undefined {
  // As `rotate` takes them too.
  const short = known.map((one) => one.replace(/\.(private|public|token|key|certificate)$/, ""));
  const all = [...new Set([...known, ...short])];
  if (all.includes(name)) return undefined;
  const parts = name.split(".");
  const alike = all.map((one) => one.split(".")).filter(({ length }) => length === parts.length);
  const near = alike.filter((words) =>
    words.every((word, at) => {
      const part = parts[at]!;
      return word === part || (!alike.some((one) => one[at] === part) && nearest(part, [word]) !== undefined);
    }),
  );
  return nearest(
    name,
    near.map((words) => words.join(".")),
  );
}
