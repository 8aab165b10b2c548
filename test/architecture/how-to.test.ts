import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { parseTeam } from "../../src/team/load.ts";
import { stepsOf, withFragment } from "../support/page-steps.ts";

// The pages as test/long/how-to.test.ts walks them, as far as that goes without machines.
const walked = ["second-agent", "add-hypervisor", "grow-vm", "rotate-secrets"];
// Takes accounts at GitHub: the same way on a forge of the team's own is test/e2e's and quickstart's.
const onGitHub = "work-on-github";

it("knows every page; that of the real model takes a key, that of reviews is walked by test/contract/review-command.test.ts", () => {
  const pages = readdirSync(join(projectRoot, "docs/how-to")).map((name) => name.replace(".md", ""));
  expect(pages.sort()).toEqual([...walked, "real-model", "review-pull-requests", onGitHub].sort());
});

it.each(walked)("%s has steps, each a command or a piece of YAML", (page) => {
  const steps = stepsOf(page);
  expect(steps.length).toBeGreaterThan(2);
  for (const { text, yaml } of steps) if (yaml === undefined) expect(text).toMatch(/^npx olympus \w/);
});

it("work on GitHub: an agent with an account gets the repository and its checks", () => {
  const fragments = stepsOf(onGitHub).flatMap(({ yaml }) => yaml ?? []);
  const lab = readFileSync(join(projectRoot, "examples/lab/team.yaml"), "utf8");
  const { team } = parseTeam(fragments.reduce(withFragment, lab), "/x/team.yaml");
  expect(team.repositories["my-company/shop"]).toMatchObject({ agents: ["athena"], checks: ["npm ci", "npm test"] });
  expect(team.people.mara).toMatchObject({ github: "mara-at-github", command: true });
});

it("what the pages write into the lab's team file fits, one after another", () => {
  let text = readFileSync(join(projectRoot, "examples/quickstart/team.yaml"), "utf8");
  for (const { yaml } of walked.flatMap(stepsOf)) {
    if (yaml === undefined) continue;
    text = withFragment(text, yaml);
    expect(() => parseTeam(text, "/x/team.yaml")).not.toThrow();
  }
  const team = parseTeam(text, "/x/team.yaml");
  expect(team.machines.map(({ name }) => name)).toEqual(["athena", "apollo", "artemis", "hermes", "agora"]);
  expect(team.machines[0]).toMatchObject({ memory: 1536, vcpu: 3, data: 5 * 1024 });
});
