import { rmSync } from "node:fs";
import { join } from "node:path";
import { messageOf, OlympusError, OlympusErrors } from "../base/errors.ts";
import type { Reporter, Step } from "../base/report.ts";
import { fetchTool } from "./fetch-tool.ts";
import { findTool } from "./found.ts";
import { buildTool } from "./go-build.ts";
import { install, type Yield } from "./install.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { lockFile, pinKey, platform, readLock, type ToolLock, type ToolName, toolNames } from "./lock.ts";
import { recordSha256 } from "./pinned-download.ts";
import { reachableHosts } from "./reach.ts";
import { compileSdk } from "./sdk-compile.ts";
import { readStamp, type Stamp } from "./stamp.ts";
import { sweep } from "./sweep.ts";
import { type Toolchain, toolchainOf } from "./toolchain.ts";
import { ensureView } from "./view.ts";

export type Part = ToolName | "sdk";
export type Source = "auto" | "download" | "build";

export interface EnsureOptions {
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** Only these parts; all without it. */
  readonly only?: readonly Part[] | undefined;
  /** `auto`: found here, downloaded, built, in this order. The others insist on one source. */
  readonly source?: Source;
  /** For tests. */
  readonly lockFile?: string;
  readonly root?: string;
  readonly go?: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly compileSdk?: () => Promise<boolean>;
  readonly backoff?: number;
}

/**
 * Makes sure that every tool is there in its pinned version, and the SDK compiled. Silent, and done in a few milliseconds, when nothing
 * is missing.
 * Throws OlympusErrors naming every tool that could not be had; what worked is kept.
 */
export async function ensureTools(options: EnsureOptions): Promise<Toolchain> {
  const file = options.lockFile ?? lockFile;
  const lock = readLock(file);
  const layout = layoutOf(lock, options.root);
  const wanted = options.only ?? [...toolNames, "sdk"];
  const missing = toolNames.filter((tool) => wanted.includes(tool) && readStamp(layout.store(tool)) === undefined);
  const jobs: Promise<void>[] = [];
  if (missing.length > 0) {
    sweep(layout.root);
    const run: Run = { options, lock, file, layout, reachable: probe(lock, missing, options), compile: oneAtATime() };
    jobs.push(...missing.map((tool) => obtain(tool, run)));
  }
  if (wanted.includes("sdk")) jobs.push(sdkStep(options));
  const failures = (await Promise.allSettled(jobs)).flatMap((outcome) =>
    outcome.status === "rejected" ? [outcome.reason as unknown] : [],
  );
  options.signal.throwIfAborted();
  if (failures.length > 0) throw new OlympusErrors("not every tool could be had", failures.map(toError));
  if (toolNames.every((tool) => readStamp(layout.store(tool)) !== undefined)) ensureView(lock, layout);
  return toolchainOf(layout);
}

interface Run {
  readonly options: EnsureOptions;
  readonly lock: ToolLock;
  readonly file: string;
  readonly layout: Layout;
  readonly reachable: Promise<ReadonlySet<string>>;
  readonly compile: <T>(work: () => Promise<T>) => Promise<T>;
}

/** One tool, from wherever it can be had, as one step. */
async function obtain(tool: ToolName, run: Run): Promise<void> {
  const { options, lock, layout } = run;
  const step = options.reporter.step(tool);
  const work = join(layout.root, "build", `${tool}-${pinKey(lock, tool)}.${process.pid}`);
  try {
    const { made, origin, version } = await source(tool, run, work, step);
    install(lock, layout, tool, made, { origin, version });
    step.done(`${version} ${{ found: "found here", download: "downloaded", build: "built from modules" }[origin]}`);
  } catch (error) {
    step.fail(messageOf(error).split("\n")[0] ?? "failed");
    throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

type Sourced = { made: Yield } & Pick<Stamp, "origin" | "version">;

async function source(tool: ToolName, run: Run, work: string, step: Step): Promise<Sourced> {
  const { options, lock, file } = run;
  const pin = lock.tools[tool];
  const wish = options.source ?? "auto";
  if (wish === "auto") {
    const made = await findTool(tool, pin, run.layout.root, options.environment);
    if (made !== undefined) return { made, origin: "found", version: pin.version };
  }
  const download = pin.downloads[platform()];
  const canDownload = download !== undefined && (await run.reachable).has(new URL(download.url).host);
  if (wish !== "build" && canDownload) {
    try {
      step.update("downloading");
      const { made, sha256 } = await fetchTool(tool, download, work, {
        signal: options.signal,
        ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
        onProgress: (received, total) => step.update(progress(received, total)),
      });
      if (download.sha256 === undefined) {
        await recordSha256(file, ["tools", tool, "downloads", platform()], sha256, options.signal);
      }
      return { made, origin: "download", version: pin.published };
    } catch (error) {
      // Another file than the locked one is not a reason to look elsewhere in silence.
      if (wish === "download" || !(error instanceof OlympusError) || error.code !== "E-DOWNLOAD") throw error;
      options.reporter.warn(`${tool}: ${error.message} (${error.where}); building it instead`);
    }
  } else if (wish === "download") {
    throw new OlympusError(`${tool} cannot be downloaded here`, {
      code: "E-DOWNLOAD",
      ...(download && { where: download.url }),
    });
  }
  const { signal, go } = options;
  const made = await buildTool(tool, pin, work, {
    signal,
    update: (detail) => step.update(detail),
    compile: run.compile,
    ...(go === undefined ? {} : { go }),
  });
  return { made, origin: "build", version: pin.version };
}

/** Asks the publishers' servers once for all tools, and says when they do not answer. */
async function probe(lock: ToolLock, tools: readonly ToolName[], options: EnsureOptions): Promise<ReadonlySet<string>> {
  if (options.source === "build") return new Set();
  const urls = tools.flatMap((tool) => lock.tools[tool].downloads[platform()]?.url ?? []);
  const reachable = await reachableHosts(urls, options.signal);
  const silent = [...new Set(urls.map((url) => new URL(url).host))].filter((host) => !reachable.has(host));
  if (silent.length > 0 && !options.signal.aborted) {
    options.reporter.info(
      `not reached from here: ${silent.join(", ")}; what comes from there is built from Go modules`,
    );
  }
  return reachable;
}

async function sdkStep(options: EnsureOptions): Promise<void> {
  const started = Date.now();
  if (await (options.compileSdk ?? compileSdk)()) {
    options.reporter.info(`sdks/libvirt compiled in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  }
}

function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work, work);
    last = mine;
    return mine;
  };
}

function progress(received: number, total: number | undefined): string {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
  return `downloading ${megabytes(received)}${total === undefined ? "" : ` of ${megabytes(total)}`} MB`;
}

function toError(reason: unknown): OlympusError {
  if (reason instanceof OlympusError) return reason;
  return new OlympusError(messageOf(reason), { code: "E-TOOLCHAIN", cause: reason });
}
