import { existsSync } from "node:fs";
import type { Server } from "node:net";
import { join } from "node:path";
import { quote } from "../../base/quote.ts";
import { type Delegation, type GroupLimits, neededControllers, takeDelegation } from "./cgroup.ts";
import { type CommandResult, type Prepared, prepareCommand, runCommand } from "./command.ts";
import { DiskWatch } from "./disk.ts";
import { makeEtc } from "./etc.ts";
import { Launcher, startFd } from "./launcher.ts";
import { bubblewrap } from "./mounts.ts";
import { openNetwork, proxyAddress } from "./network.ts";
import { Unavailable } from "./unavailable.ts";
import {
  dropWorkspace,
  emptyWorkspace,
  etcFolder,
  openWorkspace,
  sweepWorkspaces,
  type Workspace,
} from "./workspace.ts";

export interface SandboxOptions {
  /** Folder for the workspaces; ours alone. */
  readonly root: string;
  /** Of each command, and of all together. */
  readonly limits: GroupLimits;
  /** MiB of a run's workspace, and that a command may print. */
  readonly disk: number;
  readonly output: number;
  /** Read-only folders with programs, beside /usr. */
  readonly toolchains: readonly string[];
  /** Searched for programs after the system's own. */
  readonly path: readonly string[];
  /** Where package managers inside find what they fetch: `npm_config_registry` and its like. No credentials. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs that go on, also those that have not opened theirs since the process began: their workspaces stay. */
  readonly inUse?: () => readonly string[];
  /** Answers connections out of a run's network, until the given signal is aborted. */
  readonly serve: (server: Server, run: string, signal: AbortSignal) => void;
  /** Controllers to insist on; all but in measurements on machines without them. */
  readonly controllers?: readonly string[];
  readonly bwrap?: string;
}

/** The sandbox of one run. Commands run one after the other; each is gone, with everything it started, when `run` returns. */
export interface RunSandbox {
  readonly workspace: Workspace;
  run(script: string, seconds: number, signal: AbortSignal): Promise<CommandResult>;
  /** Begins to make the next command's namespaces and mounts, which take longer than most commands: for whoever knows that one will come. */
  prepare(): void;
  /** Ends the run's processes and network. The workspace stays until it is swept. */
  close(): Promise<void>;
}

export interface Sandbox {
  /** `run` names the run; its workspace is the one that a former process left for it. */
  open(run: string): Promise<RunSandbox>;
  /** Another one of the run, empty, and gone with all its files when it is closed: for what must not find anything that commands left. */
  openEmpty(run: string): Promise<RunSandbox>;
  /** Processes of commands that run now. */
  population(): Promise<number>;
}

/** Says `sandboxed` when all is as it must be: no rights, no other processes, no network but loopback, nothing of ours in sight. */
const probe = (root: string) => `
set -eu
[ "$(id -u)" = 1000 ]
grep -q '^CapEff:[[:space:]]*0*$' /proc/self/status
[ "$(cat /proc/1/comm)" = bwrap ]
[ "$(sed -n '3,$p' /proc/net/dev | wc -l)" = 1 ]
[ ! -e ${quote(root)} ] && [ ! -e /run ] && [ ! -e /sys ]
! unshare --user true 2>/dev/null
: > ~/probe; : > /tmp/probe
! : 2>/dev/null > /usr/probe
echo sandboxed`;

/**
 * Makes sure that commands can be run safely here, by running one. Throws `Unavailable` saying what is missing: then there are no
 * tools, and nothing is ever run bare.
 */
export async function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  const bwrap = options.bwrap ?? "/usr/bin/bwrap";
  if (!existsSync(bwrap)) throw new Unavailable("bubblewrap is not installed (package bubblewrap)");
  const delegation = await takeDelegation(options.limits, options.controllers ?? neededControllers);
  const open = new Set<string>();
  let sweeping: Promise<unknown> = Promise.resolve();
  // Files of a former process's commands stay in the workspace: names begin with the time.
  const first = Date.now().toString(36);
  let count = 0;
  const shared: Shared = {
    options,
    bwrap,
    delegation,
    nextName: () => `${first}-${++count}`,
    sweep(room) {
      // One after the other: two would remove the same old workspaces.
      const swept = sweeping.then(() =>
        sweepWorkspaces(options.root, new Set([...open, ...(options.inUse?.() ?? [])]), room),
      );
      sweeping = swept.catch(() => undefined);
      return swept;
    },
  };
  /** `place` names the workspace. */
  const openAt = async (run: string, place: string): Promise<RunSandbox> => {
    open.add(place);
    try {
      await shared.sweep(options.disk);
      const workspace = await openWorkspace(options.root, place);
      return await openRun(shared, run, workspace, () => open.delete(place));
    } catch (error) {
      open.delete(place);
      throw error;
    }
  };
  const sandbox: Sandbox = {
    open: (run) => openAt(run, run),
    openEmpty: (run) => openBeside(options.root, run, (place) => openAt(run, place)),
    population: () => delegation.population(),
  };
  await makeEtc(join(options.root, etcFolder));
  await probeSandbox(sandbox, options.root);
  return sandbox;
}

/** Opens an empty workspace beside a run's own, by `open`; it is gone with its files when it is closed. */
export async function openBeside(
  root: string,
  run: string,
  open: (place: string) => Promise<RunSandbox>,
): Promise<RunSandbox> {
  const place = `${run}-empty`;
  // Of a former process that was killed.
  await dropWorkspace(root, place);
  const opened = await open(place);
  const close = async () => {
    await opened.close();
    await dropWorkspace(root, place);
  };
  return { ...opened, close };
}

async function probeSandbox(sandbox: Sandbox, root: string): Promise<void> {
  let output: string;
  try {
    const run = await sandbox.open("probe");
    try {
      output = (await run.run(probe(root), 60, new AbortController().signal)).output.text.trim();
    } finally {
      await run.close();
    }
  } catch (cause) {
    throw new Unavailable(`a command cannot be sandboxed here: ${(cause as Error).message}`);
  }
  if (output !== "sandboxed")
    throw new Unavailable(`a command cannot be sandboxed here: ${output.slice(0, 300) || "the sandbox is not tight"}`);
}

/** What all runs of a sandbox share. */
interface Shared {
  readonly options: SandboxOptions;
  readonly bwrap: string;
  readonly delegation: Delegation;
  /** Of a command. */
  readonly nextName: () => string;
  /** Removes old workspaces until a new one has room, MiB. */
  readonly sweep: (room: number) => Promise<void>;
}

async function openRun(
  { options, bwrap, delegation, nextName, sweep }: Shared,
  run: string,
  workspace: Workspace,
  closed: () => void,
): Promise<RunSandbox> {
  const network = await openNetwork(bwrap);
  const end = new AbortController();
  options.serve(network.server, run, end.signal);
  const disk = await DiskWatch.begin(workspace.folder, options.disk);
  const start = () =>
    new Launcher(network.enter, [
      bwrap,
      ...bubblewrap({
        ...workspace,
        etc: join(options.root, etcFolder),
        toolchains: options.toolchains,
        environment: environment(options),
        tmp: Math.max(16, Math.floor(options.limits.memory / 4)),
      }),
      ...["--block-fd", String(startFd)],
      "bash",
    ]);
  let launcher = start();
  let next: Promise<Prepared> | undefined;
  const prepare = (): Promise<Prepared> => {
    next ??= prepareCommand({ launcher, delegation, limits: options, name: nextName(), output: workspace.output });
    next.catch(() => undefined);
    return next;
  };
  const discard = async () => {
    const left = await next?.catch(() => undefined);
    next = undefined;
    await launcher.close();
    await left?.group.clear();
  };
  const startAnew = async () => {
    await discard();
    launcher = start();
  };
  const take = () =>
    prepare().finally(() => {
      next = undefined;
    });
  /**
   * Gives back what a command took of the reserve, which it can between two looks at the disk: while that is full nothing is stored, not
   * even that the command ended. Gives whether the run's own files had to go.
   */
  const giveBack = async (): Promise<boolean> => {
    if (!(await disk.tookReserve())) return false;
    await sweep(0);
    if (!(await disk.tookReserve())) return false;
    await emptyWorkspace(options.root, run);
    return true;
  };
  return {
    workspace,
    prepare() {
      void prepare();
    },
    async run(script, seconds, signal) {
      let prepared = await take();
      if (prepared.waiting.isOver() || launcher.isOver()) {
        // Somebody killed it, or its launcher.
        await prepared.group.clear();
        if (launcher.isOver()) await startAnew();
        prepared = await take();
      }
      const result = await runCommand(prepared, { script, seconds, disk, limits: options }, signal);
      return (await giveBack()) ? { ...result, code: null, ending: "emptied" } : result;
    },
    async close() {
      await discard();
      end.abort();
      network.close();
      closed();
    },
  };
}

function environment({ path, environment: given }: SandboxOptions): Record<string, string> {
  const proxy = `http://${proxyAddress.host}:${proxyAddress.port}`;
  const proxies = ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"];
  return {
    PATH: ["/usr/local/bin:/usr/bin:/bin", ...path].join(":"),
    HOME: "/home/agent",
    USER: "agent",
    LANG: "C.UTF-8",
    TERM: "dumb",
    PAGER: "cat",
    GIT_PAGER: "cat",
    GIT_TERMINAL_PROMPT: "0",
    NO_COLOR: "1",
    ...Object.fromEntries(proxies.map((name) => [name, proxy])),
    no_proxy: "localhost,127.0.0.1",
    ...given,
  };
}
