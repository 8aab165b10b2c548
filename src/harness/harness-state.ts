import type { Pause } from "./pause.ts";
import type { ModelTrouble } from "./router.ts";
import { type InboxKind, waiting, waitingSince } from "./store/inbox.ts";
import type { Store } from "./store/open.ts";
import { pendingParts, pendingSince } from "./store/outbox.ts";

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
  /** Since when the oldest of them could have been taken up: its conversation is free, nothing holds its kind back. A pause is not looked at. */
  readonly waitingSince: number | undefined;
  /** Runs under way. */
  readonly running: readonly { id: string; lane: string; kind: string; since: number }[];
  /** Answers, or parts of them, that are not delivered yet. */
  readonly undelivered: number;
  /** When the oldest of them was handed over. */
  readonly undeliveredSince: number | undefined;
  readonly draining: boolean;
  /** Nothing new is taken up until somebody says so. */
  readonly paused: Pause | undefined;
  /** Models from which there is nothing to be had just now. */
  readonly failing: readonly ModelTrouble[];
}

type Queues = Pick<HarnessState, "waiting" | "waitingSince" | "undelivered" | "undeliveredSince">;

/** What is still to be done, and since when. `held`: the kind that is not begun just now. */
export function queuesOf(store: Store, held: InboxKind | undefined): Queues {
  return {
    waiting: waiting(store),
    waitingSince: waitingSince(store, held),
    undelivered: pendingParts(store),
    undeliveredSince: pendingSince(store),
  };
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
