import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { asOlympusError, messageOf, OlympusErrors } from "../src/base/errors.ts";
import type { LoadedTeam } from "../src/team/model.ts";
import { agentKeyPath } from "../src/team/model-keys.ts";
import { isEncrypted } from "./cipher.ts";
import { holdersToKeep } from "./foreign.ts";
import { generatedSecrets } from "./generated.ts";
import type { SecretStore } from "./store.ts";

/** Something about a team's secrets that a person should know. */
export interface Finding {
  /** `missing` keeps a deployment from working; `unsafe` gives something away; `note` is for tidiness. */
  readonly kind: "missing" | "unsafe" | "note";
  readonly name: string;
  readonly what: string;
  /** The command that mends it. */
  readonly fix?: string;
}

/** Where values wait while a rotation is under way. */
export const rotationPrefix = "rotation.";

/**
 * Looks a team's opened secrets over: what is missing, what stands in plain text, what nobody needs any more, a rotation that was not
 * finished. That they open and that nothing was changed was verified when `store` was opened. Connects to nothing.
 */
export async function checkSecrets(team: LoadedTeam, store: SecretStore): Promise<Finding[]> {
  return [
    ...missing(team, store),
    ...inPlain(parse(await readFile(store.file, "utf8"))),
    ...leftOver(team, store),
    ...unfinished(store),
    ...holders(store),
    ...settings(parse(await readFile(store.file, "utf8")).sops),
  ];
}

/** Throws E-SECRET-MISSING, once for each secret that these machines of a team cannot do without and that is not set. */
export function requireSecrets(team: LoadedTeam, store: SecretStore, machines: LoadedTeam["machines"]): void {
  const errors = missing(team, store, machines).flatMap(({ name }) => {
    try {
      store.require(name);
      return [];
    } catch (error) {
      return [asOlympusError(error, store.file)];
    }
  });
  if (errors.length > 0) throw new OlympusErrors("secrets are missing; nothing was changed", errors);
}

/** What the team cannot do without and that is not set. */
export function missing(team: LoadedTeam, store: SecretStore, machines = team.machines): Finding[] {
  const gone = (path: string): boolean => store.get(path) === undefined;
  const others = team.machines.filter((one) => !machines.includes(one)).map(({ name }) => name);
  const generated = generatedSecrets(team)
    .flatMap(({ paths }) => paths)
    .filter((path) => gone(path) && !others.includes(/^(?:hosts|agents)\.([^.]+)\./.exec(path)?.[1] ?? ""))
    .map((name): Finding => ({ kind: "missing", name, what: "is not set", fix: "npx olympus secrets init" }));
  const models = machines.flatMap((machine) =>
    (machine.agent?.models ?? [])
      // A server of one's own may ask for no key.
      .filter(({ provider }) => provider !== "rehearsal" && provider !== "openai-compatible")
      .map(({ key, provider }) => key ?? provider)
      .filter((name) => gone(agentKeyPath(machine.name, name)))
      .map((name) => `models.${name}`),
  );
  return [
    ...generated,
    ...[...new Set(models)].filter(gone).map(
      (name): Finding => ({
        kind: "missing",
        name,
        what: "an agent's model needs it",
        fix: `npx olympus secrets set ${name}`,
      }),
    ),
  ];
}

function inPlain(file: Record<string, unknown>): Finding[] {
  const walk = (node: unknown, name: readonly string[]): string[] => {
    if (node !== null && typeof node === "object") {
      return Object.entries(node).flatMap(([key, value]) =>
        name.length === 0 && key === "sops" ? [] : walk(value, [...name, key]),
      );
    }
    const open = node !== null && node !== "" && !isEncrypted(String(node));
    return open && !name.some((part) => part.endsWith("_unencrypted")) ? [name.join(".")] : [];
  };
  return walk(file, []).map((name) => ({
    kind: "unsafe",
    name,
    what: "stands in the file in plain text",
    fix: `npx olympus secrets rotate ${name}`,
  }));
}

/** Values of machines, agents and people that the team file no longer knows, and keys of agents that no longer sign. */
function leftOver(team: LoadedTeam, store: SecretStore): Finding[] {
  const sign = team.machines.filter(({ roles }) => "github" in roles).map(({ name }) => name);
  const known: readonly (readonly [RegExp, readonly string[]])[] = [
    [/^hosts\.([^.]+)\./, team.machines.map(({ name }) => name)],
    [/^agents\.([^.]+)\./, Object.keys(team.team.agents)],
    [/^mattermost\.bots\.([^.]+)\./, Object.keys(team.team.agents)],
    [/^people\.([^.]+)\./, Object.keys(team.team.people)],
    [/^mattermost\.people\.([^.]+)\./, Object.keys(team.team.people)],
  ];
  return store.paths().flatMap((name): Finding[] => {
    const of = known
      .map(([pattern, names]) => ({ of: pattern.exec(name)?.[1], names }))
      .find((one) => one.of !== undefined);
    if (of === undefined) return [];
    const left = (what: string): Finding[] => [{ kind: "note", name, what, fix: `npx olympus secrets forget ${name}` }];
    if (!of.names.includes(of.of!)) return left(`${of.of} is no longer in the team file`);
    // Its public halves stay: the others check by them what it signed before.
    const idle = /^agents\.[^.]+\.signing\.private$/.test(name) && !sign.includes(of.of!);
    return idle ? left(`${of.of} signs nothing without the role github; public halves stay, for its commits`) : [];
  });
}

function unfinished(store: SecretStore): Finding[] {
  const names = store.paths().filter((path) => path.startsWith(rotationPrefix));
  return names.map((name) => ({
    kind: "note",
    name: name.slice(rotationPrefix.length),
    what: "its rotation was not finished: the old value still works",
    fix: `npx olympus secrets rotate ${name.slice(rotationPrefix.length).replace(/\.(next|old|ended)\.(private|public|certificate|key)$/, "")}`,
  }));
}

function holders(store: SecretStore): Finding[] {
  if (store.recipients().length > 1) return [];
  return [
    {
      kind: "note",
      name: store.recipients()[0] ?? "",
      what: "is the only identity that opens the file: losing it loses every secret",
      fix: "npx olympus secrets recipients add age1…",
    },
  ];
}

function settings(metadata: Record<string, unknown>): Finding[] {
  try {
    holdersToKeep(metadata, false, "");
    return [];
  } catch (error) {
    return [{ kind: "note", name: "sops", what: messageOf(error) }];
  }
}
