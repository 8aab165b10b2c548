import type { HarnessState } from "../harness/harness-state.ts";
import type { ToolsState } from "../harness/loop/workshop.ts";
import type { DroppedAnswer } from "../harness/store/outbox.ts";
import type { RunSummary } from "../harness/store/runs.ts";

/** Everything the status page shows; also what `GET /api/status` answers. Times in ms since the epoch, money in US dollars. */
export interface AgentStatus {
  readonly version: 1;
  readonly agent: string;
  readonly team: string;
  /** Some of its models are played by a script. */
  readonly rehearsal: boolean;
  readonly models: readonly string[];
  /** Hash of the harness's program: agents with the same one run the same code. Empty where it runs from its sources. */
  readonly build: string;
  readonly startedAt: number;
  readonly now: number;
  readonly memoryMb: number;
  readonly spentToday: number;
  readonly budgetDay: number;
  /** Whether the day's money or tokens are used up as far as calls are let: they are kept from ever passing the budget. */
  readonly overBudget: boolean;
  readonly harness: HarnessState;
  /** Gates that people are asked to open: what, since when, and by whom it may be. */
  readonly gates: readonly { readonly what: string; readonly since: number; readonly who: readonly string[] }[];
  /** When the run under way that shows least life did something last; undefined: nothing is under way. */
  readonly quietSince: number | undefined;
  /** Whether commands can be run here. */
  readonly tools: ToolsState;
  /** What keeps it from seeing the forge, by repository; empty when all is well, left out where it has no place there. */
  readonly forge?: readonly string[];
  /** What is wrong with the disk, in words; undefined: there is room. */
  readonly disk?: string;
  readonly runs: readonly RunSummary[];
  /** The newest answers that the chat server refused for good. */
  readonly dropped: readonly DroppedAnswer[];
}

/** Ready means: connected, nothing written before may still be unread, and what comes can be stored. */
export function isReady({ harness, disk }: Pick<AgentStatus, "harness" | "disk">): boolean {
  return harness.chat === "connected" && harness.caughtUpAt !== undefined && !harness.draining && disk === undefined;
}
