import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { parseTeam } from "../../src/team/load.ts";
import { renderOrchestration } from "./orchestration.ts";

const file = join(projectRoot, "examples/lab/team.yaml");
// Room for three more.
const lab = readFileSync(file, "utf8").replaceAll("memory: 4 GB, disk: 40 GB", "memory: 16 GB, disk: 200 GB");
const agent = (name: string, address: string, duty: string, more = "") =>
  `  ${name}: { on: r420, address: ${address}, template: tiny, duties: [${duty}], email: ${name}@olympus.example, persona: "You are ${name}."${more} }\n`;
const team = (orchestration = "") =>
  parseTeam(
    lab.replace(
      "\nservices:\n",
      `${agent("hera", "10.220.1.52", "orchestration", ", roles: { github: { login: hera-bot } }")}${agent("apollo", "10.220.1.51", "development", ", roles: { github: { login: apollo-bot } }")}${agent("zeno", "10.220.1.53", "orchestration", ", roles: { github: { login: zeno-bot } }")}\n${orchestration}services:\n`,
    ),
    file,
  );
const rendered = (orchestration?: string) => {
  const loaded = team(orchestration);
  const of = (name: string) =>
    renderOrchestration(loaded, loaded.machines.find((machine) => machine.name === name)!).orchestration;
  // athena has no account on the forge.
  return ["athena", "hera", "apollo", "zeno"].map(of);
};

test("who plans and has an account splits; the first of them makes the team's rounds, in the operations channel", () => {
  const rounds = { staleHours: 24, summary: "17:30", channel: "olympus/operations" };
  expect(rendered()).toEqual([undefined, { rounds }, undefined, {}]);
  expect(rendered('orchestration: { staleHours: 8, summary: "09:00", channel: olympus/dev }\n')[1]).toEqual({
    rounds: { staleHours: 8, summary: "09:00", channel: "olympus/dev" },
  });
});

test("a channel that is not there is named", () => {
  const problem = { message: expect.stringContaining('unknown channel "olympus/day"') as string };
  expect(() => team("orchestration: { channel: olympus/day }\n")).toThrow(
    expect.objectContaining({ errors: [expect.objectContaining(problem)] }) as Error,
  );
});
