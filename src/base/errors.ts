import { sameAsRoot } from "./as-root.ts";

/** Exit codes of every command. They are stable and documented in docs/reference/exit-codes.md. */
export const exitCodes = {
  done: 0,
  usage: 1,
  failed: 2,
  pending: 3,
  unreachable: 4,
  hostKey: 5,
  confirmation: 6,
  locked: 75,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What an error carries beside its message, so that a person knows the next step. */
export interface ErrorDetails {
  /** Stable code such as `E-HOSTKEY`; docs/reference/errors.md has an entry for each. */
  readonly code: `E-${string}`;
  /** Process exit code; `failed` (2) unless told otherwise. */
  readonly exit?: ExitCode;
  /** `file:line:column`, a host, or another place that a person can go to. */
  readonly where?: string;
  /** The operator's next step, as a sentence or a command. */
  readonly hint?: string;
  /** The faulty line as the person wrote it, with carets on a second line under what is wrong. */
  readonly excerpt?: string;
  readonly cause?: unknown;
}

/** An error meant for a person: what is wrong, where, and what to do. The stack is shown only with `--debug`. */
export class OlympusError extends Error {
  readonly code: `E-${string}`;
  readonly exit: ExitCode;
  readonly where: string | undefined;
  readonly hint: string | undefined;
  readonly excerpt: string | undefined;

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "OlympusError";
    this.code = details.code;
    this.exit = details.exit ?? exitCodes.failed;
    this.where = details.where;
    this.hint = details.hint;
    this.excerpt = details.excerpt;
  }
}

/** Several failures of one command (one per host, say). The exit code is the most severe one. */
export class OlympusErrors extends Error {
  readonly errors: readonly OlympusError[];

  constructor(message: string, errors: readonly OlympusError[]) {
    super(message);
    this.name = "OlympusErrors";
    this.errors = errors;
  }

  get exit(): ExitCode {
    return worstExit(this.errors.map((error) => error.exit));
  }
}

/** From mildest to worst: when hosts end differently, the worst decides. */
const severity: readonly ExitCode[] = [0, 3, 6, 75, 4, 2, 1, 5, 130];

/** The exit code that speaks for several outcomes. Empty input gives 0. */
export function worstExit(codes: readonly ExitCode[]): ExitCode {
  return codes.reduce<ExitCode>((worst, code) => (severity.indexOf(code) > severity.indexOf(worst) ? code : worst), 0);
}

/** Any error as one for a person, also what nobody foresaw, so that it can be told like, and beside, the others. */
export function asOlympusError(error: unknown, where?: string): OlympusError {
  if (error instanceof OlympusError) return error;
  return (
    closedFile(error) ??
    new OlympusError(messageOf(error), {
      code: "E-BUG",
      ...(where === undefined ? {} : { where }),
      hint: "This is a fault in Olympus; --debug shows where.",
      cause: error,
    })
  );
}

/** A file that this login may not use, which is no fault of ours; undefined for any other error, and for root. */
function closedFile(error: unknown): OlympusError | undefined {
  if (!(error instanceof Error) || process.getuid?.() === 0) return undefined;
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  if (code !== "EACCES" || path === undefined || syscall?.startsWith("spawn")) return undefined;
  return new OlympusError("this login may not use it", {
    code: "E-ACCESS",
    exit: exitCodes.usage,
    where: path,
    hint: `What was made with sudo, a lab for one, is root's:  ${sameAsRoot()}`,
    cause: error,
  });
}

/** Whether something ended because it was told to (Ctrl-C): an aborted signal, or a program that was ended for one. */
export function isInterruption(error: unknown): boolean {
  return (
    error instanceof Error && (error.name === "AbortError" || ("isCanceled" in error && error.isCanceled === true))
  );
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
