import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../src/base/paths.ts";
import type { Operation } from "../../src/converge/operations.ts";

/** The examples of docs/reference/operations.md: kind and text of each. */
export function operationExamples(): (readonly [kind: string, text: string])[] {
  const page = readFileSync(join(projectRoot, "docs/reference/operations.md"), "utf8");
  return [...page.matchAll(/^\| `([a-z-]+)`[^|]* \| `(\{.*?\})` \|/gm)].map(([, kind, text]) => [kind!, text!]);
}

/** An example as an operation. `left` has what the page leaves to the reader, by name. */
export function operationOf(text: string, left: Readonly<Record<string, unknown>>): Operation {
  return new Function(...Object.keys(left), `return (${text})`)(...Object.values(left)) as Operation;
}

/** Whether an operation of this kind wants a database server, or something to fetch. */
export const wantsMore = (kind: string): boolean =>
  kind.startsWith("postgresql-") || ["download", "git", "npm-package", "pipx-package"].includes(kind);
