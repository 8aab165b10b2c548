import { expect, it } from "vitest";
import { sameTeam } from "./same-team.ts";

it.each([
  [
    "  again for athena:  npx olympus role check --host athena",
    "npx olympus --team ../t/p.yaml role check --host athena",
  ],
  [
    "npx olympus console athena, or on r420: virsh console t.athena",
    "npx olympus --team ../t/p.yaml console athena, or",
  ],
  ["Reset both: npm run role -- reset a b --host x", "npm run role -- --team ../t/p.yaml reset a b --host x"],
])("%s is of the same team", (text, expected) => {
  expect(sameTeam(text, "../t/p.yaml")).toContain(expected);
  expect(sameTeam(text, undefined)).toBe(text);
});

it("leaves commands alone that know of no team file, and quotes a file's name", () => {
  expect(sameTeam("npx olympus lab up", "p.yaml")).toBe("npx olympus lab up");
  expect(sameTeam("npx olympus ssh athena -- ls", "my $& team.yaml")).toBe(
    "npx olympus --team 'my $& team.yaml' ssh athena -- ls",
  );
});
