import type { Pause } from "./pause.ts";
import type { ModelTrouble } from "./router.ts";

/** Why work is broken off that the next process goes on with. */
export const harnessStops = "the harness stops";

/** How the harness is, for health and people. */
export interface HarnessState {
  readonly chat: "connecting" | "connected" | "disconnected" | "unauthorised";
  /** Why not connected, when not. */
  readonly reason: string | undefined;
  readonly connectedAt: number | undefined;
  readonly caughtUpAt: number | undefined;
  /** Mentions that wait for their thread or a slot. */
  readonly waiting: number;
  /** Runs under way. */
  readonly running: readonly { id: string; lane: string; kind: string; since: number }[];
  /** Answers, or parts of them, that are not delivered yet. */
  readonly undelivered: number;
  readonly draining: boolean;
  /** Nothing new is taken up until somebody says so. */
  readonly paused: Pause | undefined;
  /** Models from which there is nothing to be had just now. */
  readonly failing: readonly ModelTrouble[];
}

/** In a line, for the chat. Pure. */
export function healthOf({ chat, failing, paused }: HarnessState, tools: string, forge: readonly string[]): string {
  return [
    `chat: ${chat}`,
    ...(tools === "none" ? [] : [`shell: ${tools}`]),
    ...failing.map(({ model, why }) => `${model}: ${why}`),
    ...forge.map((trouble) => `forge: ${trouble}`),
    ...(paused === undefined ? [] : [`paused by ${paused.by} on my dashboard: I take up nothing new`]),
  ].join(", ");
}
