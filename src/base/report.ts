import { AsyncLocalStorage } from "node:async_hooks";
import { isInterruption } from "./errors.ts";

/** One thing that happened, for `--json`: one object a line, versioned. */
export interface ReportEvent {
  readonly type: string;
  readonly [key: string]: unknown;
}

/**
 * Where commands tell what they do. Data goes to stdout through `result`; everything else to stderr.
 * Implementations must not throw.
 */
export interface Reporter {
  /** A line for people, e.g. what a command found. On stderr, with `--json` too. */
  info(line: string): void;
  warn(line: string): void;
  /** An event for programs. Printed only with `--json`. */
  event(event: ReportEvent): void;
  /** The command's answer: `text` for people on stdout, `data` as one JSON object with `--json`. */
  result(text: string, data: ReportEvent): void;
  /** Starts a step with a name; elapsed time is shown when it ends, and every 30 s while it runs. */
  step(label: string): Step;
}

export interface Step {
  /** What is being done right now, e.g. "athena: booting". On a terminal `rows` move below it, one for each thing at work. */
  update(detail: string, rows?: readonly string[]): void;
  /** Ends well, with a short summary: "11 installed". */
  done(summary: string): void;
  fail(summary: string): void;
  /** Ends because it was told to, which is no failure. */
  interrupt(): void;
}

const depth = new AsyncLocalStorage<number>();

/** How many steps of `withStep` the caller is within. Steps side by side do not count for one another. */
export function stepDepth(): number {
  return depth.getStore() ?? 0;
}

/** Runs `work` as a step; a thrown error marks the step as failed, or as interrupted, and goes on. */
export async function withStep<T>(
  reporter: Reporter,
  label: string,
  work: (step: Step) => Promise<{ value: T; summary: string }>,
): Promise<T> {
  const step = reporter.step(label);
  try {
    const { value, summary } = await depth.run(stepDepth() + 1, () => work(step));
    step.done(summary);
    return value;
  } catch (error) {
    if (isInterruption(error)) step.interrupt();
    else step.fail(error instanceof Error ? (error.message.split("\n")[0] ?? "failed") : "failed");
    throw error;
  }
}

/** A reporter that keeps everything in memory, for tests and for commands that call others quietly. */
export function silentReporter(): Reporter & { readonly lines: string[]; readonly events: ReportEvent[] } {
  const lines: string[] = [];
  const events: ReportEvent[] = [];
  return {
    lines,
    events,
    info: (line) => void lines.push(line),
    warn: (line) => void lines.push(`warning: ${line}`),
    event: (event) => void events.push(event),
    result: (text, data) => {
      lines.push(text);
      events.push(data);
    },
    step: (label) => ({
      update: (detail) => void lines.push(`${label}: ${detail}`),
      done: (summary) => void lines.push(`${label} ${summary}`),
      fail: (summary) => void lines.push(`${label} FAILED ${summary}`),
      interrupt: () => void lines.push(`${label} interrupted`),
    }),
  };
}
