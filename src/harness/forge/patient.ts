import { backoff } from "../clock.ts";
import { type Forge, ForgeError, type ForgeReader } from "../forge-port.ts";
import { askUntil, type Patience } from "../patient.ts";

/** Asks the forge until it answers: its limits are waited out, and its failures. Throws what it refuses, and the signal's reason. */
export function untilAnswered<T>(parts: Patience, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  return askForge(parts, signal, ask, ({ kind }) => kind === "retry");
}

function askForge<T>(
  parts: Patience,
  signal: AbortSignal,
  ask: () => Promise<T>,
  isAgain: (error: ForgeError) => boolean,
): Promise<T> {
  return askUntil(parts, signal, "the forge", ask, (error, attempt) =>
    error instanceof ForgeError && isAgain(error) ? (error.retryAfterMs ?? backoff(attempt, 500, 60_000)) : undefined,
  );
}

/** What makes or changes something: where no answer came, whoever wanted it has to look whether it happened. */
const acts: Readonly<Record<Exclude<keyof Forge, keyof ForgeReader>, true>> = {
  createIssue: true,
  closeIssue: true,
  addLabels: true,
  removeLabel: true,
  assign: true,
  unassign: true,
  comment: true,
  editComment: true,
  createBranch: true,
  deleteBranch: true,
  openPull: true,
  editPull: true,
  requestReviews: true,
  submitReview: true,
  editReview: true,
  dismissReview: true,
  setStatus: true,
  merge: true,
};

/**
 * A forge that is read until it answers, also where it does not take the token now. Of acts its limits are waited out: what it did not take
 * for them did not happen. Other failures are thrown.
 */
export function patientForge(forge: Forge, parts: Patience, signal: AbortSignal): Forge {
  return new Proxy(forge, {
    get(target, field) {
      const value: unknown = Reflect.get(target, field);
      if (typeof value !== "function") return value;
      const isAgain = ({ kind, retryAfterMs }: ForgeError): boolean =>
        field in acts ? kind === "retry" && retryAfterMs !== undefined : kind === "retry" || kind === "unauthorised";
      return (...args: unknown[]) =>
        askForge(parts, signal, async () => (await value.apply(target, args)) as unknown, isAgain);
    },
  });
}
