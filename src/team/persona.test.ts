import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { projectRoot } from "../base/paths.ts";
import { loadTeam } from "./load.ts";
import type { LoadedTeam, Machine } from "./model.ts";
import { renderPersona } from "./persona.ts";

let team: LoadedTeam;
let perseus: Machine;
beforeAll(async () => {
  team = await loadTeam(join(projectRoot, "team.yaml"));
  perseus = team.machines.find(({ name }) => name === "perseus")!;
});

it("says who the agent is, how it speaks, its duties, what it looks at first and how the team works", () => {
  const agent = { ...perseus.agent!, tone: "Dry, friendly.", rules: ["Show the attack first."] };
  const rules = ["We write issues in English."];
  const file = { ...team, team: { ...team.team, defaults: { ...team.team.defaults, rules } } };
  const text = renderPersona(file, { ...perseus, agent });
  expect(text).toMatch(/^You are Perseus\./);
  expect(text).toContain("How you speak: Dry, friendly.");
  expect(text).toContain("Your duties: you develop: ");
  expect(text).toContain("look first at: security, testing. Take any other view when you are asked to.");
  expect(text).toMatch(/Working rules:\n(- .+\n)+- We write issues in English\.\n- Show the attack first\.$/);
});

it("is the same bytes for the same file, and short enough to be sent with every call", () => {
  const text = renderPersona(team, perseus);
  expect(
    renderPersona(structuredClone({ ...team, where: undefined, show: undefined }) as unknown as LoadedTeam, perseus),
  ).toBe(text);
  expect(text.length).toBeLessThan(2000);
});
