import { appendFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { type ErrorDetails, OlympusError } from "../base/errors.ts";

/** Environment variable with the file in which a stack's program tells its caller about errors, whole and typed. */
export const toldVariable = "OLYMPUS_TOLD";

interface Told {
  readonly message: string;
  readonly code: ErrorDetails["code"];
  readonly exit: NonNullable<ErrorDetails["exit"]>;
  readonly where?: string | undefined;
  readonly hint?: string | undefined;
}

/** Called by the program: keeps an error for the caller, if there is one. Under a plain `pulumi` nobody reads it. */
export function tell(error: OlympusError, environment: NodeJS.ProcessEnv = process.env): void {
  const file = environment[toldVariable];
  if (file === undefined) return;
  const { message, code, exit, where, hint } = error;
  appendFileSync(file, `${JSON.stringify({ message, code, exit, where, hint } satisfies Told)}\n`, { mode: 0o600 });
}

/** Called after the run: the errors that were told, and the file is gone. */
export function takeTold(file: string): OlympusError[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  rmSync(file);
  return lines.map((line) => {
    const { message, code, exit, where, hint } = JSON.parse(line) as Told;
    return new OlympusError(message, {
      code,
      exit,
      ...(where === undefined ? {} : { where }),
      ...(hint === undefined ? {} : { hint }),
    });
  });
}
