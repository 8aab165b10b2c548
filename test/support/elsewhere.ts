import { it, type TestContext } from "vitest";

/**
 * A test of docs/reference/not-run.md: runs when OLYMPUS_ELSEWHERE names its id, and is reported as skipped otherwise.
 * The name starts with the id, by which the runner recognises it.
 */
export function itElsewhere(id: string, what: string, body: (context: TestContext) => Promise<void>): void {
  const asked = (process.env.OLYMPUS_ELSEWHERE ?? "").split(",").includes(id);
  it.runIf(asked)(`${id} ${what}`, body);
}
