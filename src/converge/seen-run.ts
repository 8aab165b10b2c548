import { setTimeout as pause } from "node:timers/promises";
import { OlympusError } from "../base/errors.ts";
import type { HostSession } from "./session.ts";
import type { RunListener, RunOutcome } from "./watch.ts";

/** A host as a run on it is watched: the connection in use, and new ones. */
export interface HostLink {
  session(): HostSession;
  /** A new connection in place of the one in use. */
  reopen(): Promise<void>;
  /** A connection beside the one in use. */
  beside(signal: AbortSignal): Promise<{ readonly session: HostSession; close(): void }>;
  readonly signal: AbortSignal;
  onStep(label: string): void;
}

const maxLost = 3;
/** A changed firewall or network may cut connections off until the host has taken it back. */
const guardedMs = 90_000;
const betweenMs = 500;

/**
 * Starts a run by `begin`, or joins it, and sees it to its end, over new connections when one is cut. Confirms changes of who can
 * get in over a new connection each, for as long as the host waits for that.
 */
export async function seeRun(
  link: HostLink,
  run: string,
  begin: (told: RunListener) => Promise<RunOutcome>,
): Promise<RunOutcome> {
  const over = new AbortController();
  const confirmations: Promise<void>[] = [];
  let guarded = false;
  const told: RunListener = {
    onStep: (label) => link.onStep(label),
    onAccess(what, role) {
      guarded = true;
      if (what === "ask") confirmations.push(confirm(link, run, role, AbortSignal.any([over.signal, link.signal])));
    },
  };
  let work = (): Promise<RunOutcome> => begin(told);
  try {
    for (let lost = 0; ; lost += 1) {
      try {
        return await work();
      } catch (error) {
        if (!isCode(error, "E-SSH-LOST") || lost === maxLost) throw error;
        link.onStep("connection lost, taking up the run again");
        await reopen(link, guarded);
        work = () => link.session().attach(run, told);
      }
    }
  } finally {
    over.abort();
    await Promise.all(confirmations);
  }
}

async function reopen(link: HostLink, guarded: boolean): Promise<void> {
  const until = Date.now() + (guarded ? guardedMs : 0);
  for (;;) {
    try {
      await link.reopen();
      return;
    } catch (error) {
      if (!(error instanceof OlympusError) || Date.now() > until) throw error;
      await pause(betweenMs, undefined, { signal: link.signal });
    }
  }
}

/** Tries until it came through or the run is over: the run's own end tells which. */
async function confirm(link: HostLink, run: string, role: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const { session, close } = await link.beside(signal);
      await session.confirmAccess(run, role).finally(close);
      return;
    } catch (error) {
      if (signal.aborted) return;
      link.onStep(`no new connection yet: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`);
      await pause(betweenMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof OlympusError && error.code === code;
}
