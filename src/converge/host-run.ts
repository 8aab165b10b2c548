import { randomBytes } from "node:crypto";
import { exitCodes, OlympusError } from "../base/errors.ts";
import type { SshConnection } from "../ssh/connection.ts";
import { type BlobSums, type Bundle, compileReset, compileSetup, type RunInfo } from "./apply-script.ts";
import type { JournalEntry } from "./change.ts";
import type { FactRequest, Facts, HostState } from "./facts.ts";
import { type Claims, planReset, type ResetPlan, readLines } from "./journal.ts";
import { journalFolder } from "./places.ts";
import { type HostPlan, planHost, type RoleWish, requestsOf } from "./plan.ts";
import { createSession, type HostSession } from "./session.ts";
import type { RunOutcome } from "./watch.ts";

/** What one host is asked to become. */
export interface HostRunOptions {
  readonly host: string;
  readonly connect: () => Promise<SshConnection>;
  /** `kim@laptop`, for the lock's record. */
  readonly who: string;
  /** `role setup base` */
  readonly what: string;
  readonly signal: AbortSignal;
  readonly onStep: (label: string) => void;
}

export interface PreparedSetup {
  readonly plan: HostPlan;
  /** Does it. Gives what stays behind in words. Throws when a step fails or the host is not as wished afterwards. */
  perform(): Promise<readonly string[]>;
}

export interface PreparedReset {
  readonly plan: ResetPlan;
  /** Roles that are set up on the host, whatever the team file says. */
  readonly present: readonly string[];
  perform(): Promise<readonly string[]>;
}

/** One host over one command: a connection, what was seen, what is done. */
export function createHostRun(options: HostRunOptions) {
  const { host, connect, who, what, signal, onStep } = options;
  let ssh: SshConnection | undefined;
  let session: HostSession;

  async function open(): Promise<HostSession> {
    ssh = await connect();
    session = createSession(ssh, signal);
    return session;
  }

  /** Facts of a host that nobody works on. Joins a run of one's own that was cut off; refuses while it is somebody else's. */
  async function look(
    requests: readonly FactRequest[],
    read: { roles: readonly string[]; journal: boolean },
  ): Promise<{ facts: Facts; state: HostState }> {
    const seen = await session.gather(requests, read);
    const { lock, epoch } = seen.state;
    if (lock === undefined) return seen;
    if (lock.who !== who) throw lockedError(host, lock.who, lock.what, epoch - lock.since);
    onStep(`joining ${lock.what}, which runs since ${epoch - lock.since} s`);
    await session.attach(lock.run, onStep);
    return session.gather(requests, read);
  }

  /** Starts a run and sees it to its end, over new connections when one is cut. */
  async function execute(
    compile: (info: RunInfo) => (sums: BlobSums) => Bundle,
    facts: Facts,
    state: HostState,
  ): Promise<RunOutcome> {
    const run = randomBytes(6).toString("hex");
    const info: RunInfo = { run, who, what, generation: state.generation, epoch: state.epoch };
    let work = (): Promise<RunOutcome> => session.apply(run, compile(info), facts, onStep);
    for (let lost = 0; ; lost += 1) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof OlympusError) || error.code !== "E-SSH-LOST" || lost === 3) throw error;
        onStep("connection lost, taking up the run again");
        ssh?.close();
        await open();
        work = () => session.attach(run, onStep);
      }
    }
  }

  async function finish(outcome: RunOutcome): Promise<readonly string[]> {
    if (outcome.end === "done") return outcome.kept;
    if (outcome.end === "locked" || outcome.end === "stale") {
      const { state } = await session.gather([], { roles: [], journal: false });
      throw lockedError(
        host,
        state.lock?.who ?? "another run",
        state.lock?.what ?? "just ended",
        state.epoch - (state.lock?.since ?? state.epoch),
      );
    }
    throw applyError(host, outcome);
  }

  return {
    /** Looks at the host and says what a setup of `wishes` would do. */
    async prepareSetup(wishes: readonly RoleWish[]): Promise<PreparedSetup> {
      await open();
      const requests = requestsOf(wishes);
      const read = { roles: wishes.map(({ role }) => role), journal: false };
      if (requests.some(({ fact }) => fact === "blob")) requests.push({ fact: "space", path: journalFolder });
      const seen = await look(requests, read);
      const plan = planHost(wishes, seen.facts, seen.state);
      return {
        plan,
        async perform() {
          let { facts, state } = seen;
          let todo = plan;
          for (let tries = 0; ; tries += 1) {
            const outcome = await execute((info) => compileSetup(todo, info), facts, state);
            // Cut off before the run began: nothing happened, so it is planned and sent again.
            const unbegun = outcome.end === "stale" || (outcome.end === "died" && outcome.step === "");
            if (unbegun && tries < 3) {
              ({ facts, state } = await look(requests, read));
              todo = planHost(wishes, facts, state);
              continue;
            }
            const kept = await finish(outcome);
            const after = await session.gather(requests, read);
            const left = planHost(wishes, after.facts, after.state);
            if (left.steps.length > 0) throw notIdempotentError(host, left);
            return kept;
          }
        },
      };
    },

    /** Reads the host's journal and says what a reset of `roles` would do. */
    async prepareReset(roles: readonly string[] | undefined, purge: readonly string[]): Promise<PreparedReset> {
      await open();
      const read = { roles: [], journal: true };
      const { facts, state } = await look([], read);
      const entries = readLines<JournalEntry>(state.journal, host);
      const claims = readLines<Claims>(state.allClaims, host);
      const meant = roles ?? [...new Set([...claims, ...entries].map(({ role }) => role))];
      const plan = planReset(entries, claims, meant, purge);
      const nothing = plan.undo.length === 0 && !claims.some(({ role }) => meant.includes(role));
      return {
        plan,
        present: claims.map(({ role }) => role),
        async perform() {
          if (nothing) return [];
          return finish(await execute((info) => () => compileReset(plan, meant, info), facts, state));
        },
      };
    },

    close(): void {
      ssh?.close();
    },
  };
}

/** Somebody else works on the host; `seconds` since when. */
export function lockedError(host: string, who: string, what: string, seconds: number): OlympusError {
  return new OlympusError(`${host} is locked by ${who} for ${seconds} s: ${what}.`, {
    code: "E-LOCKED",
    exit: exitCodes.locked,
    where: host,
    hint: "Run the same command again when that has ended.",
  });
}

function applyError(host: string, outcome: Extract<RunOutcome, { end: "failed" | "died" }>): OlympusError {
  const said = outcome.end === "failed" && outcome.output !== "" ? `\n${lastLines(outcome.output, 20)}` : "";
  const full = /No space left on device|Wrote only \d+ of/.test(said);
  const how = outcome.end === "failed" ? "failed" : "was killed, or the machine restarted,";
  return new OlympusError(`${host}: ${how} at: ${outcome.step || "the start"}${said}`, {
    code: full ? "E-ROLE-SPACE" : "E-ROLE-APPLY",
    exit: exitCodes.failed,
    where: host,
    hint: "What was done before stays and is in the journal. Run the same command again to go on, or role reset to go back.",
  });
}

function notIdempotentError(host: string, left: HostPlan): OlympusError {
  return new OlympusError(
    `${host} is not as wished although every step succeeded:\n${left.steps.map(({ role, change }) => `  ${role}: ${change.summary}`).join("\n")}`,
    {
      code: "E-ROLE-NOT-IDEMPOTENT",
      exit: exitCodes.failed,
      where: host,
      hint: "Something on the host changes it back, or the role's check does not see what its apply makes.",
    },
  );
}

function lastLines(text: string, count: number): string {
  return text.split("\n").slice(-count).join("\n");
}
