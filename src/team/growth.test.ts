import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { projectRoot } from "../base/paths.ts";
import { resources } from "./capacity.ts";
import { generateTeam } from "./generate.ts";
import { growthOf } from "./growth.ts";
import { loadTeam, parseTeam } from "./load.ts";

const team = await loadTeam(join(projectRoot, "team.yaml"));

describe("the seed's growth scenarios on its hardware", () => {
  it("ten agents fit", () => {
    expect(growthOf(team, 10)).toMatchObject({ now: 8, template: "medium", fits: true });
  });

  it.each([15, 20, 25])("%i do not: the seed counted memory, and disk ends first, at 13", (agents) => {
    expect(growthOf(team, agents)).toMatchObject({ fits: false, most: 5, endsFirst: { resource: "disk" } });
  });

  it("with disk promised twice memory ends first, at 20 agents", () => {
    const policy = { ...team.team.policy, thinDiskRatio: 2 };
    const growth = growthOf({ ...team, team: { ...team.team, policy } }, 25);
    expect(growth).toMatchObject({ fits: false, endsFirst: { resource: "memory" } });
    expect(growth.now + growth.most).toBe(20);
  });
});

it("takes only the hypervisors that were named, and the template that was", () => {
  const growth = growthOf(team, 10, "heavy", ["r820"]);
  expect(growth.hypervisors.map(({ name }) => name)).toEqual(["r820"]);
  expect(growth).toMatchObject({ template: "heavy", most: 0, fits: false, endsFirst: { resource: "disk", after: 0 } });
});

it("fewer than there are: nothing is added", () => {
  expect(growthOf(team, 3)).toMatchObject({ fits: true, hypervisors: team.hypervisors.map(() => ({ more: 0 })) });
});

test("what is placed never takes more than is offered, and all is placed that was said to fit", () => {
  fc.assert(
    fc.property(
      fc.record({
        agents: fc.integer({ min: 1, max: 20 }),
        spare: fc.integer({ min: 0, max: 4 }),
        wanted: fc.integer({ min: 0, max: 200 }),
        template: fc.constantFrom("light", "medium", "heavy"),
      }),
      ({ agents, spare, wanted, template }) => {
        const hypervisors = Math.ceil((agents + 1) / 7) + spare;
        const growth = growthOf(parseTeam(generateTeam({ agents, hypervisors }), "/x/team.yaml"), wanted, template);
        const added = growth.hypervisors.reduce((sum, { more }) => sum + more, 0);
        expect(added).toBe(Math.min(Math.max(0, wanted - agents), growth.most));
        expect(growth.endsFirst.after).toBeGreaterThanOrEqual(growth.most);
        for (const { used, offered } of growth.hypervisors) {
          for (const resource of resources) expect(used[resource]).toBeLessThanOrEqual(offered[resource]);
        }
        if (!growth.fits) expect(growth.hypervisors.every(({ full }) => full !== undefined)).toBe(true);
      },
    ),
  );
});
