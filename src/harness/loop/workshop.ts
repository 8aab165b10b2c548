import { existsSync } from "node:fs";
import { parse } from "node:path";
import { messageOf } from "../../base/errors.ts";
import type { AgentConfig, SandboxConfig } from "../config.ts";
import type { Log } from "../log.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { Unavailable } from "../sandbox/unavailable.ts";
import { workspacesOf } from "../sandbox/workspace.ts";
import type { Store } from "../store/open.ts";
import { openIn } from "../store/work.ts";

/** Whether commands can be run, for health and people. `none`: the agent is not one that develops. */
export interface ToolsState {
  readonly state: "none" | "starting" | "on" | "off";
  /** Why not, when off. */
  readonly reason?: string;
}

/** A sandbox, and where its commands may connect to (`host:port`). */
export interface Opened {
  readonly sandbox: Sandbox;
  readonly hosts: readonly string[];
}

/** The place where an agent that develops works: made once at start, beside everything else. */
export class Workshop {
  readonly #opened: Promise<Opened>;
  #state: ToolsState = { state: "starting" };

  /** `open` throws `Unavailable` where commands cannot be run safely. */
  constructor(open: () => Promise<Opened>, log: Log) {
    this.#opened = open();
    this.#opened.then(
      () => {
        this.#state = { state: "on" };
      },
      (error: unknown) => {
        this.#state = { state: "off", reason: messageOf(error) };
        log.error({ reason: messageOf(error) }, "there is no sandbox, so there are no tools");
      },
    );
  }

  state(): ToolsState {
    return this.#state;
  }

  /** Throws `Unavailable`. */
  opened(): Promise<Opened> {
    return this.#opened;
  }
}

export interface WorkshopParts {
  readonly config: AgentConfig;
  readonly settings: SandboxConfig;
  readonly log: Log;
  /** A command of a run was kept from connecting to a target. */
  readonly refused: (run: string, target: string) => void;
  /** Knows the runs that go on: their workspaces stay. */
  readonly store: Store;
}

/** The sandbox as an agent's configuration wishes it. Throws `Unavailable`, whatever it is that fails. */
export async function openWorkshop({ config, settings, log, refused, store }: WorkshopParts): Promise<Opened> {
  try {
    // Agents that run no commands do without.
    const [{ openEgress }, { openSandbox }] = await Promise.all([
      import("../egress/egress.ts"),
      import("../sandbox/sandbox.ts"),
    ]);
    const egress = await openEgress(settings.egress, log, refused);
    const { dir } = parse(process.execPath);
    const sandbox = await openSandbox({
      root: workspacesOf(config),
      limits: { memory: settings.memory, processes: settings.processes, cpus: settings.cpus },
      disk: settings.disk,
      output: settings.output,
      toolchains: settings.toolchains.filter((folder) => existsSync(folder)),
      // Our own Node, where it is among them.
      path: settings.toolchains.some((folder) => dir.startsWith(`${folder}/`)) ? [dir] : [],
      environment: egress.environment,
      inUse: () => openIn(store, {}).map(({ id }) => id),
      serve: egress.serve,
    });
    return { sandbox, hosts: [...new Set(egress.rules.map(({ host, port }) => `${host}:${port}`))] };
  } catch (error) {
    throw error instanceof Unavailable ? error : new Unavailable(messageOf(error));
  }
}
