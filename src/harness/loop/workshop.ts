import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { messageOf } from "../../base/errors.ts";
import type { AgentConfig, SandboxConfig } from "../config.ts";
import { openEgress } from "../egress/egress.ts";
import type { Log } from "../log.ts";
import { openSandbox, type Sandbox } from "../sandbox/sandbox.ts";
import { Unavailable } from "../sandbox/unavailable.ts";

/** Whether commands can be run, for health and people. `none`: the agent is not one that develops. */
export interface ToolsState {
  readonly state: "none" | "starting" | "on" | "off";
  /** Why not, when off. */
  readonly reason?: string;
}

export interface WorkshopParts {
  readonly config: AgentConfig;
  readonly settings: SandboxConfig;
  readonly log: Log;
  /** A command of a run was kept from connecting to a target. */
  readonly refused: (run: string, target: string) => void;
}

/** The sandbox of an agent that develops, made once at start, beside everything else. */
export class Workshop {
  readonly #opened: Promise<Sandbox>;
  #state: ToolsState = { state: "starting" };
  /** Where commands may connect to: `host:port`. */
  hosts: readonly string[] = [];

  constructor(parts: WorkshopParts) {
    this.#opened = this.#open(parts);
    this.#opened.then(
      () => {
        this.#state = { state: "on" };
      },
      (error: unknown) => {
        this.#state = { state: "off", reason: messageOf(error) };
        parts.log.error({ reason: messageOf(error) }, "there is no sandbox, so there are no tools");
      },
    );
  }

  state(): ToolsState {
    return this.#state;
  }

  /** Throws `Unavailable`. */
  sandbox(): Promise<Sandbox> {
    return this.#opened;
  }

  async #open({ config, settings, log, refused }: WorkshopParts): Promise<Sandbox> {
    const egress = await openEgress(settings.egress, log, refused);
    this.hosts = [...new Set(egress.rules.map(({ host, port }) => `${host}:${port}`))];
    try {
      return await openSandbox({
        root: join(config.dataDir, "workspaces"),
        limits: { memory: settings.memory, processes: settings.processes, cpus: settings.cpus },
        disk: settings.disk,
        output: settings.output,
        toolchains: settings.toolchains.filter((folder) => existsSync(folder)),
        path: settings.toolchains.some((folder) => process.execPath.startsWith(`${folder}/`))
          ? [dirname(process.execPath)]
          : [],
        environment: egress.environment,
        serve: egress.serve,
      });
    } catch (error) {
      throw error instanceof Unavailable ? error : new Unavailable(messageOf(error));
    }
  }
}
