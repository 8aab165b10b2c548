import { expect, it } from "vitest";
import type { JournalEntry } from "./change.ts";
import { claimsOf } from "./journal.ts";
import { rolesAbsent } from "./reset.ts";

it("a role is absent from a host that knows neither what it stands for nor what it left", () => {
  const left = { role: "agent", data: "memory" } as unknown as JournalEntry;
  const claims = [claimsOf("base", ["path:/x"])];
  expect(rolesAbsent([left], claims, ["github", "base", "agent"])).toEqual(["github"]);
  expect(rolesAbsent([], [], ["base", "agent"])).toEqual(["base", "agent"]);
});
