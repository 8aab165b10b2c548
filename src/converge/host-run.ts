import { randomBytes } from "node:crypto";
import type { Secret } from "../base/secret.ts";
import type { SshConnection } from "../ssh/connection.ts";
import {
  type BlobSums,
  type Bundle,
  type ClaimsAfter,
  claimsAfter,
  compileSetup,
  compileUndo,
  type RunInfo,
} from "./apply-script.ts";
import { dropsAfter, dropsSomething } from "./drops.ts";
import { applyError, lockedError, lockedOutError, notIdempotentError } from "./host-errors.ts";
import { type Claims, type ResetPlan, readClaims, readJournal, refuseNewer } from "./journal.ts";
import { createLook, type LookOptions, type Seen } from "./look.ts";
import { claimsTogether, type HostPlan, onlyWaits, planHost, type RoleWish, requestsOf, wishedClaims } from "./plan.ts";
import { planReset, rolesAbsent } from "./reset.ts";
import type { UndoneRun } from "./result.ts";
import { planRollback } from "./rollback.ts";
import { withInodes, withRoom } from "./room.ts";
import { type HostLink, seeRun } from "./seen-run.ts";
import { createSession, type HostSession } from "./session.ts";
import type { RunOutcome } from "./watch.ts";

/** What one host is asked to become. */
export interface HostRunOptions extends LookOptions {
  /** A new connection, given up with the signal. */
  readonly connect: (signal: AbortSignal) => Promise<SshConnection>;
  /** `role setup base` */
  readonly what: string;
  readonly signal: AbortSignal;
  readonly onStep: (label: string) => void;
  /** For sudo, where it wants one. */
  readonly password?: Secret | undefined;
  /** Seconds that one look at the host may take; 180 unless given. */
  readonly lookSeconds?: number | undefined;
  /** Seconds that a run on the host may take; four hours unless given. */
  readonly runSeconds?: number | undefined;
}

export interface PreparedSetup {
  readonly plan: HostPlan;
  /** What roles made once and no longer wish. */
  readonly drops: ResetPlan;
  /** Does it. Gives what stays behind in words. Throws when a step fails or the host is not as wished afterwards. */
  perform(): Promise<readonly string[]>;
}

export interface PreparedReset {
  readonly plan: ResetPlan;
  /** Roles that are set up on the host, whatever the team file says. */
  readonly present: readonly string[];
  /** Roles that were to be reset and of which neither anything stands there nor the journal knows. */
  readonly absent: readonly string[];
  /** Whose changes a rollback undoes. */
  readonly undoneRun: UndoneRun | undefined;
  perform(): Promise<readonly string[]>;
}

/** A clock that is off by more than this is told (s), and by more than that set before anything else. */
const skewTold = 5;
const skewMended = 60;

const nothing: ResetPlan = { undo: [], keep: [], rest: [], keepPackages: [] };

/** One host over one command: a connection, what was seen, what is done. */
export function createHostRun(options: HostRunOptions) {
  const { host, connect, who, what, signal, onStep } = options;
  let ssh: SshConnection | undefined;
  let session: HostSession;
  const { password, lookSeconds, runSeconds } = options;

  async function open(): Promise<HostSession> {
    ssh = await connect(signal);
    session = createSession(ssh, signal, { password, lookSeconds, runSeconds });
    return session;
  }

  const link: HostLink = {
    session: () => session,
    async reopen() {
      ssh?.close();
      await open();
    },
    async beside(stop) {
      const fresh = await connect(stop);
      return { session: createSession(fresh, stop, { password }), close: () => fresh.close() };
    },
    signal,
    onStep,
  };

  const looking = createLook(options, link);
  const { look, lookWhenBooted } = looking;

  /** Starts a run and sees it to its end, over new connections when one is cut. */
  async function execute(
    compile: (info: RunInfo) => (sums: BlobSums) => Bundle,
    { facts, state, skew }: Seen,
  ): Promise<RunOutcome> {
    const run = randomBytes(6).toString("hex");
    looking.known(run);
    const stepClock = Math.abs(skew) > skewMended ? -skew : 0;
    const info: RunInfo = { run, who, what, generation: state.generation, epoch: state.epoch, stepClock };
    const outcome = await seeRun(link, run, (told) => session.apply(run, compile(info), facts, told));
    const { end } = outcome;
    if (end === "failed" || end === "reverted" || (end === "died" && outcome.step !== "")) {
      // Whoever comes next need not be told. Should the host not hear of it, they are: how the run ended counts more.
      await session.noteTold(run).catch(() => undefined);
    }
    return outcome;
  }

  /** Runs what `compile` makes, again from new facts when nothing had begun. Gives what stays behind, in words. */
  async function run(
    first: Seen,
    again: () => Promise<Seen>,
    compile: (seen: Seen) => (info: RunInfo) => (sums: BlobSums) => Bundle,
    resumes: boolean,
  ): Promise<readonly string[]> {
    let seen = first;
    for (let tries = 0; ; tries += 1) {
      const outcome = await execute(compile(seen), seen);
      if (outcome.end === "done") return outcome.kept;
      if (outcome.end === "died" && outcome.restarted && resumes) onStep("the machine restarted, going on");
      // Cut off before the run began, or another one came in between: nothing happened, so it is planned and sent again.
      const unbegun =
        outcome.end === "locked" ||
        outcome.end === "stale" ||
        (outcome.end === "died" && (outcome.step === "" || (outcome.restarted && resumes)));
      if (!unbegun) throw applyError(host, outcome, resumes);
      if (tries === 3) throw lockedError(host, "others", "runs follow one another", 0);
      seen = await again();
    }
  }

  /** What is to be undone because roles no longer wish it, once these steps are done. */
  async function readDrops(now: readonly Claims[], steps: HostPlan["steps"]): Promise<{ seen: Seen; plan: ResetPlan }> {
    const seen = await look([], { roles: [], journal: true });
    return { seen, plan: dropsAfter(steps, seen.state, host, now) };
  }

  async function undo(seen: Seen, plan: ResetPlan, claims: ClaimsAfter): Promise<readonly string[]> {
    // What stands in the journal is known from these facts: after another's run it would have to be planned again.
    const refuse = async (): Promise<Seen> => {
      const { state } = await look([], { roles: [], journal: false });
      throw lockedError(host, "another run", "just ended", Math.max(0, state.epoch - seen.state.epoch));
    };
    const kept = await run(seen, refuse, () => (info) => () => compileUndo(plan, claims, info), false);
    if (plan.undo.some(({ access }) => access === true)) {
      await link.beside(signal).then(
        (fresh) => fresh.close(),
        (error: unknown) => Promise.reject(lockedOutError(host, error)),
      );
    }
    return kept;
  }

  return {
    /**
     * Looks at the host and says what a setup of `wishes` would do. `partial`: they are not all that their roles wish,
     * so nothing is taken away for being absent.
     */
    async prepareSetup(wishes: readonly RoleWish[], partial = false): Promise<PreparedSetup> {
      await open();
      const requests = withRoom(requestsOf(wishes));
      const read = { roles: wishes.map(({ role }) => role), journal: false };
      const first = await lookWhenBooted(requests, read);
      if (first.state.cloud?.state === "degraded") {
        options.warn?.(`${host}: cloud-init ended with errors that it took lightly: ${first.state.cloud.errors[0]}`);
      }
      if (Math.abs(first.skew) > skewTold) options.warn?.(`${host}: its clock is ${aheadOrBehind(first.skew)}.`);
      const now = wishedClaims(wishes);
      const before = readClaims(first.state.allClaims, host);
      const mayDrop = !partial && dropsSomething({ before, now });
      const drops = mayDrop ? (await readDrops(now, planHost(wishes, first.facts, first.state).steps)).plan : nothing;
      // Until what is no longer wished has gone, roles stand for that too: a run that is cut off in between forgets nothing.
      const hold = partial || drops.undo.length > 0;
      const plan = (seen: Seen): HostPlan => {
        const made = planHost(wishes, seen.facts, seen.state);
        return hold ? claimsTogether(made, readClaims(seen.state.allClaims, host), now) : made;
      };
      const setUp = (from: Seen) =>
        run(
          from,
          () => look(requests, read),
          (seen) => (info) => compileSetup(withInodes(host, plan(seen), seen.facts), info),
          true,
        );
      const verify = async (): Promise<void> => {
        let after = await session.gather(requests, read);
        if (onlyWaits(plan(after), wishes)) {
          // What was restarted last may not be up yet: it is waited for as after any other change.
          await setUp(after);
          after = await session.gather(requests, read);
        }
        const left = plan(after);
        if (left.steps.length > 0) throw notIdempotentError(host, left);
      };
      const todo = plan(first);
      return {
        plan: todo,
        drops,
        async perform() {
          const kept: string[] = [];
          if (todo.steps.length + todo.claims.length > 0) {
            kept.push(...(await setUp(first)));
            await verify();
          }
          if (drops.undo.length > 0) {
            looking.goesOn();
            const fresh = await readDrops(now, []);
            kept.push(...(await undo(fresh.seen, fresh.plan, claimsAfter(now))));
            await verify();
          }
          return kept;
        },
      };
    },

    /** Reads the host's journal and says what a reset of `roles` would do. */
    async prepareReset(roles: readonly string[] | undefined, purge: readonly string[]): Promise<PreparedReset> {
      await open();
      const seen = await look([], { roles: [], journal: true });
      const entries = readJournal(seen.state.journal, host);
      const claims = readClaims(seen.state.allClaims, host);
      const meant = roles ?? [...new Set([...claims, ...entries].map(({ role }) => role))];
      const plan = planReset(entries, claims, meant, purge);
      const idle = plan.undo.length === 0 && !claims.some(({ role }) => meant.includes(role));
      return {
        plan,
        present: claims.map(({ role }) => role),
        absent: rolesAbsent(entries, claims, meant),
        undoneRun: undefined,
        perform: async () => (idle ? [] : undo(seen, plan, { forget: meant })),
      };
    },

    /** Reads what the newest run changed, and says what going back to before it would do. Throws E-ROLE-ROLLBACK. */
    async prepareRollback(): Promise<PreparedReset> {
      await open();
      const seen = await look([], { roles: [], journal: true, history: true });
      const plan = planRollback(host, seen.state);
      return { plan, present: [], absent: [], undoneRun: plan.undoneRun, perform: () => undo(seen, plan, {}) };
    },

    /** The runs that the host remembers, as lines. */
    async readHistory(): Promise<readonly string[]> {
      await open();
      const { state } = await session.gather([], { roles: [], journal: false, history: true });
      refuseNewer(state.format, host);
      return state.history;
    },

    close(): void {
      ssh?.close();
    },
  };
}

function aheadOrBehind(seconds: number): string {
  return `${Math.abs(seconds)} s ${seconds > 0 ? "ahead of" : "behind"} this computer's`;
}
