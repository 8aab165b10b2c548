import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { projectRoot } from "../base/paths.ts";
import { generateTeam } from "./generate.ts";
import { loadTeam, parseTeam } from "./load.ts";
import { planOf } from "./plan.ts";

const GB = 1024;

describe("the seed's team", async () => {
  const team = await loadTeam(join(projectRoot, "team.yaml"));
  const plan = planOf(team);

  it("takes 120 of 416 GB, 29 %, with 32 vCPU in 8 agent VMs of 250 GB", () => {
    expect(plan.agents).toEqual({ vms: 8, memory: 120 * GB, disk: 2000 * GB, vcpu: 32 });
    expect(plan.total).toMatchObject({ memory: 416 * GB, disk: 4242 * GB });
    expect(Math.round((plan.agents.memory / plan.total.memory) * 100)).toBe(29);
  });

  it("sums services apart", () => {
    expect(plan.services).toEqual({ vms: 1, memory: 8 * GB, disk: 100 * GB, vcpu: 4 });
    expect(plan.used.memory).toBe(128 * GB);
  });

  it("says how many more fit and what runs out first", () => {
    const [r420] = planOf(team, ["r420"]).hypervisors;
    // 32 GB, 4 kept, 8 taken: 20 left.
    expect(r420?.fits).toMatchObject({
      light: { count: 2, limit: "memory" },
      medium: { count: 1, limit: "memory" },
      heavy: { count: 0, limit: "memory" },
    });
    expect(plan.hypervisors.find(({ name }) => name === "r820")?.fits.light).toEqual({ count: 0, limit: "disk" });
  });

  it("has the seven ways of the seed, that to the hypervisors closed", () => {
    expect(team.team.connectivity.map(({ from, to, port, open }) => `${from} ${to} ${port} ${open}`)).toEqual([
      "agents hypervisors 22 false",
      "agents chat 8065 true",
      "agents internet 443 true",
      "agents github 22 true",
      "admin agents 22 true",
      "admin chat 8065 true",
      "admin agents 18789 true",
    ]);
  });
});

describe("a generated team", () => {
  it.each([1, 18, 200])("of %i agents is sound and fits", (agents) => {
    const team = parseTeam(generateTeam({ agents }), "/x/team.yaml");
    const plan = planOf(team);
    expect(plan.agents.vms).toBe(agents);
    expect(plan.hypervisors.every(({ free }) => free.memory >= 0 && free.disk >= 0 && free.vcpu >= 0)).toBe(true);
    expect(new Set(team.machines.map(({ mac }) => mac)).size).toBe(agents + 1);
  });
});

it("what fits, fits: adding that many keeps the file sound, one more does not", () => {
  const text = generateTeam({ agents: 1, hypervisors: 1 });
  const fit = planOf(parseTeam(text, "/x/team.yaml")).hypervisors[0]!.fits.medium!;
  const grown = (more: number): string => {
    const agents = Array.from({ length: more }, (_, index) =>
      [
        `  more-${index}:`,
        `    { on: h1, address: 10.220.9.${index + 1}, template: medium, duties: [review], persona: p, email: m${index}@olympus.example }`,
      ].join("\n"),
    ).join("\n");
    return text.replace("services:\n  agora", `${agents}\nservices:\n  agora`).replace("day: 2.5\n", "day: 900\n");
  };
  const withBudget = (more: number): string =>
    grown(more)
      .replace(/policy:\n {2}budget:\n {4}day: .*/, "policy: { budget: { day: 900 } }")
      .replace("day: 900\n", "day: 2.5\n");
  expect(() => parseTeam(withBudget(fit.count), "/x/team.yaml")).not.toThrow();
  expect(() => parseTeam(withBudget(fit.count + 1), "/x/team.yaml")).toThrow(/1 problem/);
});
