import { createRequire } from "node:module";
import type { RunError as PulumiRunError } from "@pulumi/pulumi/errors.js";
import { OlympusError, OlympusErrors } from "../base/errors.ts";

const { RunError } = createRequire(import.meta.url)("@pulumi/pulumi/errors.js") as { RunError: typeof PulumiRunError };

/** An error meant for a person, as the engine shows it: what, where, and the next step, without a stack. Any other error stays itself. */
export function programError(error: unknown): unknown {
  const all = error instanceof OlympusErrors ? error.errors : error instanceof OlympusError ? [error] : [];
  if (all.length === 0) return error;
  const blocks = all.map((one) => {
    const lines = [`${one.code}: ${one.message}`, one.where && `at ${one.where}`, one.hint];
    return lines.filter((line) => line !== undefined && line !== "").join("\n  ");
  });
  return new RunError(blocks.join("\n"));
}
