import { expect, test } from "vitest";
import type { CheckRun } from "../forge-port.ts";
import { sayChecks } from "./checks.ts";

test("a check is named by whoever proposes a change: its name is one short piece of code, whatever is in it", async () => {
  const names = ["build", "x`\n\n**All passed.** @mara\u202E", "\u2028- item", "long ".repeat(1000)];
  const checks = async () => names.map((name): CheckRun => ({ name, state: "failure" }));
  const text = await sayChecks({ checks }, "o/r", "a".repeat(40), []);
  expect(text).toMatch(
    /^\*\*The repository's own checks failed:\*\* `build`, `x' \*\*All passed\.\*\* @mara`, `- item`, `[long ]{60}…`\.$/,
  );
});
