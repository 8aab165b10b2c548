import { rotationPrefix } from "../../secrets/check.ts";
import type { SecretStore } from "../../secrets/store.ts";
import { type ErrorDetails, OlympusError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { type Reporter, withStep } from "../base/report.ts";
import { maskSecrets } from "../base/secret.ts";
import { createRootShell } from "../converge/root-shell.ts";
import { targetOf } from "../converge/target.ts";
import { connectSsh } from "../ssh/connect.ts";
import type { SshConnection, SshTarget } from "../ssh/connection.ts";
import { listHosts } from "../team/hosts.ts";
import type { LoadedTeam } from "../team/model.ts";
import { runtimeRole } from "../team/roles.ts";

/** What every kind of rotation works with. */
export interface RotateContext {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** Brings roles on hosts to what team file and secrets say now. Throws what a host failed with. */
  readonly apply: (role: string, hosts: readonly string[]) => Promise<void>;
  /** Where the chat is. */
  readonly chatUrl: string;
  /** Several are rotated at once: what cannot end yet is left for later, and keeps nothing from having been done. */
  readonly all?: boolean;
  readonly connect?: (target: SshTarget, signal: AbortSignal) => Promise<SshConnection>;
}

/**
 * A new value for one secret, in steps that can each be done again: whoever is killed in between is taken on from by the next run.
 * Until `finish`, the old value works as well as the new one.
 */
export interface Rotation {
  /** Name of the secret. */
  readonly name: string;
  /** Who uses it, for people: "athena's dashboard". */
  readonly users: readonly string[];
  /** How long both work, or what does not overlap. */
  readonly overlap: string;
  /** Makes the new value and keeps the old one, saved together. Not called again where that has happened. */
  begin(): Promise<void>;
  /** Whether `begin` was done and `finish` was not. */
  begun(): boolean;
  /** Gives the new value to every user; `show` says what is being done right now. */
  deliver(show: (what: string) => void): Promise<void>;
  /** Uses the new value as its users do. Throws where it does not work: the old one then goes on working. */
  verify(): Promise<void>;
  /** Makes the old value worthless everywhere, sees that it is, and forgets it. */
  finish(): Promise<void>;
  /** Whether `finish` left the old value working, for the reason that `left` gives. */
  waits?(): boolean;
  /** What is left for people to do then, if anything. */
  left?(): string | undefined;
}

/** Rotates one secret, or ends a rotation that was cut short. Throws what a step throws; the next run goes on there. */
export async function runRotation(
  rotation: Rotation,
  { signal }: Pick<RotateContext, "signal">,
  show: (what: string) => void = () => undefined,
): Promise<void> {
  const step = async (what: string, work: () => Promise<void>): Promise<void> => {
    signal.throwIfAborted();
    show(`${rotation.name}: ${what}`);
    await work();
  };
  if (!rotation.begun()) await step("making a new value", () => rotation.begin());
  await step(`giving it to ${rotation.users.join(", ")}`, () => rotation.deliver(show));
  await step("trying the new value", () => rotation.verify());
  await step("ending the old value", () => rotation.finish());
}

/**
 * One after another: an agent that two of them concern is restarted for each, never twice at once. Warns of what is left for people as soon
 * as each has ended, since a later one may fail, and gives all of it.
 */
export async function runRotations(rotations: readonly Rotation[], context: RotateContext): Promise<string[]> {
  const left: string[] = [];
  for (const rotation of rotations) {
    await withStep(context.reporter, rotation.name, async (step) => {
      await runRotation(rotation, context, (what) => step.update(what));
      const end = rotation.waits?.() ? "taken still" : "ended";
      return { value: undefined, summary: `new value in use, old one ${end}` };
    });
    const rest = rotation.left?.();
    if (rest === undefined) continue;
    context.reporter.warn(rest);
    left.push(rest);
  }
  return left;
}

/** Gives agents what the secrets say now, by the role that each of them runs on. */
export async function applyToAgents(agents: readonly string[], { team, apply }: RotateContext): Promise<void> {
  const runtimeOf = (name: string) => team.team.agents[name]?.runtime ?? "harness";
  for (const [runtime, names] of Map.groupBy(agents, runtimeOf)) await apply(runtimeRole(runtime), names);
}

/** A step that did not work, and can be done again. */
export function rotationError(message: string, where: string, details: Partial<ErrorDetails> = {}): OlympusError {
  return new OlympusError(message, {
    code: "E-ROTATE",
    where,
    hint: "Run the same command again: it goes on where it was.",
    ...details,
  });
}

/** The value that a rotation under way replaces, kept until the new one has proven itself. */
export function oldValueOf(secrets: SecretStore, path: string): string | undefined {
  return secrets.get(rotationPrefix + path)?.reveal();
}

/** Where a value waits that nobody is given any more, while some may take it still. */
const endedPath = (path: string): string => `${rotationPrefix}${path}.ended.key`;

/** The value whose end was begun and not yet seen everywhere. */
export function endedValueOf(secrets: SecretStore, path: string): string | undefined {
  return secrets.get(endedPath(path))?.reveal();
}

/**
 * Has whoever is set up from here on given the new value alone; gives the old one, which is known until `forgetEnded`. Saved before any host
 * is asked: a role saves what stands in memory, and whoever is killed then, or meets a host that is down, has to know of this still.
 */
export async function endOld(secrets: SecretStore, path: string): Promise<string> {
  const old = oldValueOf(secrets, path);
  if (old !== undefined) {
    secrets.delete(rotationPrefix + path);
    secrets.set(endedPath(path), old);
    await secrets.save();
  }
  return old ?? endedValueOf(secrets, path)!;
}

/** Forgets the value that `endOld` kept: it was seen to open nothing. */
export async function forgetEnded(secrets: SecretStore, path: string): Promise<void> {
  secrets.delete(endedPath(path));
  await secrets.save();
}

/** Sets new values, by their paths, and keeps the old ones, in one save. */
export async function replaceValues(secrets: SecretStore, values: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, value] of Object.entries(values)) {
    secrets.set(rotationPrefix + path, secrets.require(path).reveal());
    secrets.set(path, value);
  }
  await secrets.save();
}

/** Sets a new value and keeps the old one, in one save. */
export const replaceValue = (secrets: SecretStore, path: string, value: string): Promise<void> =>
  replaceValues(secrets, { [path]: value });

/** Forgets the old value: from here on nothing that is set up anew takes it. */
export async function forgetOld(secrets: SecretStore, path: string): Promise<void> {
  secrets.delete(rotationPrefix + path);
  await secrets.save();
}

/** Runs a script as root on a host of the team; as `onTarget`. */
export function onHost(context: RotateContext, name: string, script: string, stdin: string): Promise<Ran> {
  const host = listHosts(context.team).find((one) => one.name === name)!;
  return onTarget(context, { target: targetOf(host, context.team, context.secrets), root: true }, script, stdin);
}

/** A login, and whether it becomes root there. */
export interface Door {
  readonly target: SshTarget;
  readonly root: boolean;
}

interface Ran {
  readonly code: number;
  /** On stdout and stderr, secrets masked. */
  readonly printed: string;
}

/** Logs in and runs a script of sh, with `stdin` on its stdin. Gives its exit code and what it printed. */
export async function onTarget(
  { secrets, signal, connect = connectSsh }: RotateContext,
  { target, root }: Door,
  script: string,
  stdin: string,
): Promise<Ran> {
  const connection = await connect(target, signal);
  try {
    const words = `-c ${quote(script)}`;
    const options = { stdin, signal, timeoutMs: 60_000 };
    const { code, stdout, stderr } = root
      ? await createRootShell(connection, secrets.get(`sudo.${target.name}`)).run(words, options)
      : await connection.exec(`/bin/sh ${words}`, options);
    return { code, printed: maskSecrets(stdout + stderr, secrets.all()).trim() };
  } finally {
    connection.close();
  }
}
