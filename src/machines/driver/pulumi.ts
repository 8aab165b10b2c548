import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { finished } from "node:stream/promises";
import { projectRoot } from "../../base/paths.ts";
import { type EngineEvent, parseEvent } from "./events.ts";

export interface PulumiCall {
  /** Path of the CLI. */
  readonly pulumi: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** File for everything that Pulumi says but debug lines; written anew. */
  readonly log?: string;
  /** `end` stops the run for good: at first kindly, after 5 s by force (its lock is then cleared by the next run). */
  readonly onEvent?: (event: EngineEvent, end: () => void) => void;
  /** Asks Pulumi to stop after what it is doing. */
  readonly signal: AbortSignal;
}

export interface PulumiResult {
  readonly code: number;
  /** What the CLI says outside of events: faults before the engine ran. */
  readonly stderr: string;
}

/** For Pulumi to end by itself once it was told to. */
const endMs = 5_000;

/**
 * Runs the Pulumi CLI as the Automation API does, with the engine's events from its own `--json` stream. (Loading that API takes a second,
 * and it starts the CLI five more times for each `up`: docs/decisions/0009-driving-pulumi.md.) Resolves with any exit code.
 */
export async function runPulumi(call: PulumiCall): Promise<PulumiResult> {
  call.signal.throwIfAborted();
  const log = call.log === undefined ? undefined : openLog(call.log);
  const child = spawn(call.pulumi, [...call.args, "--non-interactive", "--color", "never"], {
    cwd: call.cwd ?? projectRoot,
    env: { ...process.env, ...call.env },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own: Ctrl-C reaches it once, through `stop`. A second one would make it drop what it is doing.
    detached: true,
  });
  const stop = (): void => void child.kill("SIGINT");
  call.signal.addEventListener("abort", stop, { once: true });
  let force: NodeJS.Timeout | undefined;
  const end = (): void => {
    if (force !== undefined) return;
    child.kill("SIGINT");
    force = setTimeout(() => child.kill("SIGKILL"), endMs);
  };
  // When this process is told to end at once, so is Pulumi (its second interrupt), which still gives its lock back.
  process.on("exit", stop);

  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
    log?.write(chunk);
  });
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => {
    const event = parseEvent(line);
    if (event === undefined) log?.write(`${line}\n`);
    else {
      const text = logLine(event);
      if (text !== undefined) log?.write(text);
      call.onEvent?.(event, end);
    }
  });
  try {
    const code = await new Promise<number>((resolve, reject) => {
      let exit: number | undefined;
      let linesClosed = false;
      const settle = (): void => {
        if (exit !== undefined && linesClosed) resolve(exit);
      };
      lines.on("close", () => {
        linesClosed = true;
        settle();
      });
      child.on("error", reject);
      child.on("close", (status) => {
        exit = status ?? 128;
        settle();
      });
    });
    return { code, stderr };
  } finally {
    call.signal.removeEventListener("abort", stop);
    process.off("exit", stop);
    clearTimeout(force);
    if (log !== undefined) {
      log.end();
      await finished(log);
    }
  }
}

function openLog(file: string): ReturnType<typeof createWriteStream> {
  mkdirSync(dirname(file), { recursive: true });
  return createWriteStream(file, { mode: 0o600 });
}

/** What the log keeps of an event: steps that change something, and everything that was said. */
function logLine({ diagnosticEvent, resourcePreEvent, resOpFailedEvent }: EngineEvent): string | undefined {
  if (diagnosticEvent !== undefined) {
    const { severity, message, urn } = diagnosticEvent;
    return severity === "debug" ? undefined : `${severity}: ${urn ? `${urn}: ` : ""}${message.trimEnd()}\n`;
  }
  if (resourcePreEvent !== undefined && resourcePreEvent.metadata.op !== "same") {
    return `${resourcePreEvent.metadata.op} ${resourcePreEvent.metadata.urn}\n`;
  }
  return resOpFailedEvent === undefined
    ? undefined
    : `failed: ${resOpFailedEvent.metadata.op} ${resOpFailedEvent.metadata.urn}\n`;
}
