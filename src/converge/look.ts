import { cloudError } from "./cloud.ts";
import type { FactRequest, Facts, HostState } from "./facts.ts";
import { endOf, lockedError } from "./host-errors.ts";
import { refuseNewer } from "./journal.ts";
import { type HostLink, seeRun } from "./seen-run.ts";
import type { ReadOptions } from "./session.ts";
import type { RunListener, RunOutcome } from "./watch.ts";

/** Who looks at which host. */
export interface LookOptions {
  readonly host: string;
  /** `kim@laptop`, for the lock's record. */
  readonly who: string;
  /** Nothing at all is written on the host. */
  readonly looksOnly?: boolean | undefined;
  /** Seconds to wait for somebody else's run; 0 unless given. */
  readonly lockWait?: number | undefined;
  readonly info?: (line: string) => void;
  readonly warn?: (line: string) => void;
}

/** What was seen of a host; `skew`: seconds that its clock is ahead, below 0 behind. */
export type Seen = { facts: Facts; state: HostState; skew: number };

/** Between the two runs of one setup. */
const betweenSeconds = 600;

/** First boots of emulated machines are slow. */
const cloudSeconds = 900;

/** Its steps are over: they are not shown as if they were done now. */
const deaf: RunListener = { onStep: () => undefined, onAccess: () => undefined };

/** Looks at one host, over and over in one command. */
export function createLook(options: LookOptions, link: HostLink) {
  const { host, who, warn, info } = options;
  let waited = false;
  let begun = false;
  const knownRuns = new Set<string>();

  /**
   * Facts of a host that nobody works on. Joins a run of one's own that was cut off; waits for somebody else's as long
   * as asked to, then refuses. Tells how a run ended that nobody saw to its end, unless it ended well.
   */
  async function look(requests: readonly FactRequest[], read: ReadOptions): Promise<Seen> {
    const seen = await link.session().gather(requests, read);
    const { lock, untold, epoch, format } = seen.state;
    refuseNewer(format, host);
    if (lock === undefined) {
      if (untold !== undefined && !knownRuns.has(untold.run)) {
        const outcome = await link.session().attach(untold.run, deaf);
        // The host forgets what a run printed when it restarts, and after some more runs.
        const { end } = untold;
        const gone = outcome.end === "died" && end !== undefined;
        await tellEnd(untold, gone ? { end: "failed", step: end.step, output: "", kept: [] } : outcome, epoch);
      }
      return seen;
    }
    const since = epoch - lock.since;
    if (lock.who === who) {
      link.onStep(`joining ${lock.what}, which runs since ${since} s`);
      await tellEnd(lock, await seeRun(link, lock.run, (told) => link.session().attach(lock.run, told)), epoch);
    } else {
      // What was begun is ended: somebody else's run between two of one's own is waited for.
      const patience = Math.max(options.lockWait ?? 0, begun ? betweenSeconds : 0);
      if (patience === 0 || waited) throw lockedError(host, lock.who, lock.what, since);
      link.onStep(`waiting for ${lock.who}: ${lock.what}, since ${since} s`);
      await link.session().waitForLock(patience);
      waited = true;
    }
    return look(requests, read);
  }

  async function tellEnd(
    run: { readonly run: string; readonly who: string; readonly what: string; readonly since: number },
    outcome: RunOutcome,
    epoch: number,
  ): Promise<void> {
    knownRuns.add(run.run);
    const before = `${host}: the run before (${run.what} by ${run.who}, begun ${epoch - run.since} s ago)`;
    if (outcome.end === "done") info?.(`${before} ended well.`);
    else if (outcome.end === "failed" || outcome.end === "died" || outcome.end === "reverted") {
      warn?.(`${before} ${endOf(outcome)}`);
      if (options.looksOnly !== true) await link.session().noteTold(run.run);
    }
  }

  return {
    look,

    /** The same, once cloud-init has ended well: until then users, packages and disks may not be what they will be. */
    async lookWhenBooted(requests: readonly FactRequest[], read: ReadOptions): Promise<Seen> {
      let seen = await look(requests, read);
      if (seen.state.cloud?.state === "running") {
        link.onStep("waiting for cloud-init");
        await link.session().waitForCloudInit(cloudSeconds);
        seen = await look(requests, read);
      }
      const { cloud } = seen.state;
      if (cloud?.state === "running" || cloud?.state === "error") throw cloudError(host, cloud, cloudSeconds);
      return seen;
    },

    /** A run of this command: its end is told by who began it. */
    known(run: string): void {
      knownRuns.add(run);
    },

    /** From now on somebody else's run is waited for: something was begun here. */
    goesOn(): void {
      [begun, waited] = [true, false];
    },
  };
}
