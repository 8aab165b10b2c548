import type { Clock } from "../clock.ts";
import type { AgentConfig } from "../config.ts";
import { auditedForge } from "../forge/audited.ts";
import { patientForge } from "../forge/patient.ts";
import type { Forge } from "../forge-port.ts";
import type { Doers, Taker } from "../forge-work.ts";
import type { Policy } from "../policy/schema.ts";
import { reviewGuards } from "../review/guards.ts";
import { gateTaker, type Origin, reviewDoer, reviewTaker } from "../review/take.ts";
import type { RunParts } from "../run.ts";
import type { Store } from "../store/open.ts";
import { keep } from "./keeper.ts";

interface JudgeParts {
  readonly config: AgentConfig;
  readonly policy: Policy;
  readonly store: Store;
  readonly clock: Clock;
  readonly forge: Forge;
  /** With a token that cannot write contents. */
  readonly reviewForge: Forge;
  /** Where a pull request began in the chat. */
  readonly origin: Origin;
}

/** An agent's part in judging changes: reviews that it is asked for, and the gates of pull requests that it looks after. */
export function judging(parts: JudgeParts): { takers: Taker[]; doers(run: RunParts): Doers } {
  return {
    takers: [reviewTaker(parts), gateTaker(parts)],
    doers: ({ router, log, secrets = [] }) => {
      const its = (forge: Forge, run: string, signal: AbortSignal) =>
        patientForge(auditedForge(forge, parts, run), { clock: parts.clock, log }, signal);
      const guards = reviewGuards(parts.store, secrets, parts.clock);
      return {
        review: (run, payload, signal) =>
          reviewDoer({ ...parts, forge: its(parts.reviewForge, run.id, signal), router, ...guards })(
            run,
            payload,
            signal,
          ),
        gate: (run, { repo, number, channelId, rootId }, signal) => {
          const place = channelId === "" ? undefined : { channelId, rootId };
          return keep({ ...parts, forge: its(parts.forge, run.id, signal) }, run.id, repo, number, place, signal);
        },
      };
    },
  };
}
