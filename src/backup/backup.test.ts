import { expect, test } from "vitest";
import { backupProblem } from "./backup.ts";

test("a backup that nobody verified is no backup", () => {
  const now = Date.parse("2026-01-10T00:00:00Z");
  const at = (day: string) => new Date(`2026-01-${day}T00:00:00Z`);
  expect(backupProblem({ made: undefined, verified: undefined }, 2, now)).toBe("no backup was made yet");
  expect(backupProblem({ made: at("10"), verified: undefined }, 2, now)).toBe("no backup was verified yet");
  expect(backupProblem({ made: at("10"), verified: at("07") }, 2, now)).toBe(
    "the last verified backup is 3.0 days old",
  );
  expect(backupProblem({ made: at("10"), verified: at("09") }, 2, now)).toBeUndefined();
});
