import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { projectRoot } from "../base/paths.ts";
import { loadTeam } from "./load.ts";
import { planOf } from "./plan.ts";

const examples = join(projectRoot, "examples");

it.each(readdirSync(examples))("examples/%s loads without a problem", async (name) => {
  expect((await loadTeam(join(examples, name, "team.yaml"))).machines.length).toBeGreaterThan(1);
});

describe("the expanded team", async () => {
  const file = join(examples, "expanded", "team.yaml");
  const [now, expanded] = await Promise.all([loadTeam(join(projectRoot, "team.yaml")), loadTeam(file)]);

  it("has the seed's eighteen agents, which take about 300 GB", () => {
    const names = Object.keys(expanded.team.agents);
    expect(names).toHaveLength(18);
    for (const name of ["demeter", "hestia", "dionysus", "hephaestus", "heracles", "nike", "nemesis", "tyche"])
      expect(names).toContain(name);
    const { agents, hypervisors } = planOf(expanded);
    expect(agents.memory / 1024).toBeGreaterThan(290);
    expect(agents.memory / 1024).toBeLessThan(310);
    expect(hypervisors.every(({ free }) => free.memory >= 0 && free.disk >= 0 && free.vcpu >= 0)).toBe(true);
  });

  it("grows out of the team of eight: whoever is there stays as they are, on the same hardware", () => {
    const machine = (team: typeof now, name: string) => team.machines.find((one) => one.name === name);
    for (const { name } of now.machines) expect(machine(expanded, name)).toEqual(machine(now, name));
    expect(expanded.hypervisors).toEqual(now.hypervisors);
    // Nothing but what growing takes differs in the file.
    const [small, large] = [join(projectRoot, "team.yaml"), file].map((path) => parse(readFileSync(path, "utf8")));
    const changed = Object.keys(large).filter((key) => JSON.stringify(large[key]) !== JSON.stringify(small[key]));
    expect(changed).toEqual(["agents", "teams", "policy"]);
  });
});
