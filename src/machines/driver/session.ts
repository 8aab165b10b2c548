import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { parse } from "yaml";
import type { SecretStore } from "../../../secrets/store.ts";
import { OlympusError } from "../../base/errors.ts";
import { ownFolder } from "../../base/own-folder.ts";
import { projectRoot, stateDir } from "../../base/paths.ts";
import type { Reporter } from "../../base/report.ts";
import type { LoadedTeam } from "../../team/model.ts";
import { pulumiEnv, refuseLabState, toolchain, writePassphrase } from "../../toolchain/index.ts";
import { type EngineEvent, machineOfUrn } from "./events.ts";
import { explainFault } from "./faults.ts";
import { clearDeadLocks, lockedIn } from "./locks.ts";
import { mendState } from "./mend.ts";
import { type PulumiResult, runPulumi } from "./pulumi.ts";

/** Everything that the runs of one team's stacks share. */
export interface StackSession {
  readonly team: LoadedTeam;
  readonly pulumi: string;
  readonly env: Readonly<Record<string, string>>;
  readonly reporter?: Reporter | undefined;
  readonly signal: AbortSignal;
  /** Folder with Pulumi.yaml. */
  readonly root: string;
}

/** Prepares passphrase file, backend folder and environment. Throws E-TOOLCHAIN, E-SECRET-MISSING, E-TEAM-LAB. */
export function openSession(options: {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  readonly reporter?: Reporter | undefined;
  readonly signal: AbortSignal;
  /** More variables for the program. */
  readonly env?: Readonly<Record<string, string>>;
  readonly root?: string;
}): StackSession {
  const { team, secrets, reporter, signal, root = projectRoot } = options;
  const tools = toolchain();
  const env: Record<string, string> = {
    ...pulumiEnv(team, tools, writePassphrase(team, secrets.require("pulumi.passphrase"), ownFolder())),
    ...options.env,
  };
  refuseLabState(team, env.PULUMI_BACKEND_URL ?? "");
  if (env.PULUMI_BACKEND_URL?.startsWith("file://")) {
    mkdirSync(fileURLToPath(env.PULUMI_BACKEND_URL), { recursive: true, mode: 0o700 });
  }
  mkdirSync(configFolder(team), { recursive: true, mode: 0o700 });
  return { team, pulumi: tools.pulumi, env, reporter, signal, root };
}

/** Each team has the stacks' settings (which hold the salt of its passphrase) in its own state: two teams may name a hypervisor alike. */
function configFolder(team: LoadedTeam): string {
  return stateDir(team.name, "stacks");
}

export function logOf(team: LoadedTeam, stack: string): string {
  return stateDir(team.name, "logs", `${stack}.log`);
}

/** What one run of Pulumi does on a stack. */
export interface Verb {
  /** `up`, `preview` or `destroy`, with its options. */
  readonly words: readonly string[];
  /** Only what belongs to these machines, with what depends on it; for destroy. */
  readonly machines?: readonly string[] | undefined;
  readonly onEvent: (event: EngineEvent, end: () => void) => void;
}

/**
 * Runs `up`, `preview` or `destroy` on one stack; makes the stack when it is not there yet, and takes away the lock of a dead process.
 * Resolves with any exit code; throws E-LOCKED (75) when somebody else is at work on it.
 */
export async function runVerb(
  session: StackSession,
  stack: string,
  { words, machines, onEvent }: Verb,
): Promise<PulumiResult> {
  const { team, reporter, signal, pulumi, env, root } = session;
  const project = projectName(root);
  for (const lock of clearDeadLocks(env.PULUMI_BACKEND_URL ?? "", project, stack)) {
    reporter?.info(
      `${stack}: took away the lock of process ${lock.pid}, which is gone (since ${lock.timestamp.slice(0, 19)}Z)`,
    );
    reporter?.event({ type: "lock-cleared", stack, pid: lock.pid });
  }
  if (await mendState({ pulumi, env, cwd: root, project, stack })) {
    reporter?.info(`${stack}: the state was left unfinished by a run that was killed; what it had begun is done again`);
  }
  // Looked up after the mending: Pulumi refuses a target that its state does not hold.
  const targets = machines === undefined ? [] : await machineUrns(session, stack, machines);
  if (machines !== undefined && targets.length === 0) return { code: 0, stderr: "" };
  const [verb = "", ...rest] = words;
  const run = (): Promise<PulumiResult> =>
    runPulumi({
      pulumi,
      args: [
        verb,
        "--stack",
        stack,
        "--config-file",
        join(configFolder(team), `Pulumi.${stack}.yaml`),
        "--json",
        ...rest,
        ...targets.flatMap((urn) => ["--target", urn]),
        ...(targets.length > 0 ? ["--target-dependents"] : []),
      ],
      env: { ...env, PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true" },
      cwd: root,
      log: logOf(team, stack),
      onEvent,
      signal,
    });
  let result = await run();
  if (result.code !== 0 && /no stack named/.test(result.stderr)) {
    // Nothing was ever made here.
    if (verb === "destroy") return { code: 0, stderr: "" };
    await makeStack(session, project, stack);
    result = await run();
  }
  const locked = result.code === 0 ? undefined : lockedIn(result.stderr, stack);
  if (locked !== undefined) throw locked;
  return result;
}

/** URNs of everything in a stack's state that belongs to these machines. Empty when there is no such stack. */
async function machineUrns(session: StackSession, stack: string, machines: readonly string[]): Promise<string[]> {
  const { pulumi, env, root, signal } = session;
  const { exitCode, stdout, stderr } = await execa(pulumi, ["stack", "export", "--stack", stack], {
    cwd: root,
    env,
    cancelSignal: signal,
    reject: false,
  });
  if (exitCode !== 0) {
    if (/no stack named/.test(stderr)) return [];
    throw explainFault({ hypervisor: stack, text: stderr, log: logOf(session.team, stack) });
  }
  const { deployment } = JSON.parse(stdout) as {
    deployment?: { resources?: readonly { urn: string; parent?: string; delete?: boolean }[] };
  };
  return (
    (deployment?.resources ?? [])
      // What waits to be deleted since an interrupted run goes with any run, and cannot be named as a target.
      .filter((resource) => resource.delete !== true)
      .filter(({ urn, parent }) => machines.includes(machineOfUrn(urn, machines, parent) ?? ""))
      .map(({ urn }) => urn)
  );
}

async function makeStack(session: StackSession, project: string, stack: string): Promise<void> {
  const { team, pulumi, env, signal } = session;
  // Made from a project file of our own, since `stack init` writes its settings beside the project and knows no --config-file.
  const folder = configFolder(team);
  writeFileSync(join(folder, "Pulumi.yaml"), `name: ${project}\nruntime: nodejs\n`);
  const log = logOf(team, stack);
  const { code, stderr } = await runPulumi({ pulumi, args: ["stack", "init", stack], env, cwd: folder, log, signal });
  if (code !== 0 && !/already exists/.test(stderr)) throw explainFault({ hypervisor: stack, text: stderr, log });
}

function projectName(root: string): string {
  const { name } = parse(readFileSync(join(root, "Pulumi.yaml"), "utf8")) as { name?: string };
  if (name !== undefined) return name;
  throw new OlympusError("Pulumi.yaml has no name", { code: "E-PULUMI", where: join(root, "Pulumi.yaml") });
}
