/** The bundled harness as a process of its own, as on an agent's machine, for tests and benchmarks. */
import type { ChildProcess } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { grantLine, scopes } from "../../src/base/grants.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { type Bundle, buildBundle } from "../../src/harness/bundle.ts";
import type { AgentConfigInput } from "../../src/harness/config.ts";
import { nodeEnvironment, nodeFlags } from "../../src/harness/launch.ts";
import type { ChatTeam } from "./chat-team.ts";
import { freePort, startService, stopService, untilReady } from "./processes.ts";

export interface AgentFolder {
  readonly dir: string;
  readonly configFile: string;
  readonly port: number;
  readonly dashboardToken: string;
}

export interface AgentProcess {
  readonly pid: number;
  /** From spawn until /readyz said so, ms. */
  readonly readyAfterMs: number;
  /** Resident memory, MB = 10^6. */
  rssMb(): number;
  /** Waits for its end. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  log(): string;
}

/** Writes what an agent's machine would hold: configuration and secrets, beside each other, 0600. */
export async function agentFolder(
  dir: string,
  team: ChatTeam,
  modelUrl: string,
  change: (config: AgentConfigInput) => AgentConfigInput = (config) => config,
  agent = "athena",
): Promise<AgentFolder> {
  mkdirSync(dir, { recursive: true });
  const port = await freePort();
  const { alice, bob, mallory } = team.people;
  const config: AgentConfigInput = {
    version: 1,
    agent,
    team: "lab",
    persona: "You look after the team's infrastructure.",
    facts: ["hypervisor r420 at 10.220.1.7", "hypervisor r720xd at 10.220.1.10"],
    chat: {
      url: team.url,
      tokenFile: "mattermost.token",
      botId: team.bots[agent]!.id,
      people: [
        { id: alice.id, name: alice.name, command: true },
        { id: bob.id, name: bob.name, command: true },
        { id: mallory.id, name: mallory.name },
      ],
      agents: Object.values(team.bots)
        .filter((bot) => bot.name !== agent)
        .map(({ id, name }) => ({ id, name })),
    },
    models: [{ provider: "rehearsal", model: "rehearsal", baseUrl: modelUrl }],
    budget: { run: 1, day: 10 },
    listen: { address: "127.0.0.1", port, tokenFile: "dashboard.token" },
    dataDir: join(dir, "data"),
  };
  const configFile = join(dir, "agent.json");
  writeFileSync(configFile, JSON.stringify(change(config)), { mode: 0o600 });
  writeFileSync(join(dir, "mattermost.token"), team.bots[agent]!.token, { mode: 0o600 });
  const dashboardToken = "dashboard-token-for-tests";
  writeFileSync(join(dir, "dashboard.token"), grantLine(dashboardToken, scopes), { mode: 0o600 });
  return { dir, configFile, port, dashboardToken };
}

let built: Promise<Bundle> | undefined;

/** Once a process: its sources do not change. */
function harnessBundle(): Promise<Bundle> {
  built ??= buildBundle("harness");
  return built;
}

/**
 * Starts the bundle and waits until it is ready (connected, nothing unread), or only until it answers when `readiness` is `healthz`.
 * `enter` is put before its command and must become it.
 */
export async function startAgentProcess(
  folder: AgentFolder,
  readiness: "readyz" | "healthz" = "readyz",
  env: Readonly<Record<string, string>> = {},
  enter: readonly string[] = [],
): Promise<AgentProcess> {
  const bundle = await harnessBundle();
  const log = join(folder.dir, "harness.log");
  const began = performance.now();
  const node = join(projectRoot, "node_modules/.bin/node");
  const command = [...enter, node, ...nodeFlags, join(bundle.folder, "main.mjs"), "--config", folder.configFile];
  const child: ChildProcess = startService(command[0]!, command.slice(1), {
    cwd: folder.dir,
    log,
    env: { ...nodeEnvironment, ...env },
  });
  try {
    await untilReady(child, () => answers(`http://127.0.0.1:${folder.port}/${readiness}`), 120_000);
  } catch (error) {
    await stopService(child, "SIGKILL");
    throw new Error(`the harness: ${String(error)}\n${readFileSync(log, "utf8").slice(-3000)}`);
  }
  return {
    pid: child.pid!,
    readyAfterMs: performance.now() - began,
    rssMb: () => (Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]) * 1024) / 1e6,
    stop: (signal = "SIGTERM") => stopService(child, signal, 40_000),
    log: () => readFileSync(log, "utf8"),
  };
}

/** Runs the harness where it is expected to refuse: its exit code and log. */
export async function runUntilExit(configFile: string): Promise<{ code: number | null; log: string }> {
  const bundle = await harnessBundle();
  const { exitCode, stdout } = await execa(
    join(projectRoot, "node_modules/.bin/node"),
    [...nodeFlags, join(bundle.folder, "main.mjs"), "--config", configFile],
    { reject: false, timeout: 120_000 },
  );
  return { code: exitCode ?? null, log: stdout };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    // Not listening yet.
    return false;
  }
}
