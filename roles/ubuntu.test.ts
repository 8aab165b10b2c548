import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { projectCatalogue } from "../src/converge/catalogue.ts";
import { type Facts, type HostState, noFacts } from "../src/converge/facts.ts";
import { planHost } from "../src/converge/plan.ts";
import { reviveSecrets } from "../test/support/role-cases.ts";

/**
 * What roles would change on a new machine of an Ubuntu cloud image: cases of theirs, planned with facts of 22.04 and 24.04. The steps
 * stand in roles/<role>/ubuntu.json; OLYMPUS_WRITE_CASES=1 writes them instead of comparing: read the diff.
 */
const cases: Record<string, string | Record<string, string>> = {
  agent: { "22.04": "answers-in-chat", "24.04": "develops-on-ubuntu-24-04" },
  backup: "the-chat-sends",
  base: "language-time-and-upgrades",
  deploy: "a-deployment-with-a-way-back",
  "dev-env": { "22.04": "everything-from-registries", "24.04": "registries-of-ubuntu-24-04" },
  docker: "dockers-own-on-ubuntu",
  firewall: "an-agent",
  forge: "with-webhooks",
  github: "an-agent-of-two",
  hardening: "defaults-for-a-vm",
  hypervisor: "bridge-by-netplan-on-ubuntu",
  mattermost: "defaults",
  node: "defaults",
  openclaw: "defaults",
  postgresql: { "22.04": "defaults-on-ubuntu-22-04", "24.04": "defaults-on-ubuntu-24-04" },
  rehearsal: "defaults",
};
const releases = ["22.04", "24.04"];
const unknown: HostState = {
  generation: "",
  pending: [],
  lock: undefined,
  format: 0,
  claims: {},
  journal: [],
  allClaims: [],
  history: [],
  epoch: 0,
};

const read = (file: string): unknown => JSON.parse(readFileSync(file, "utf8"), reviveSecrets);

test("every role of the catalogue is among them", () => {
  expect(Object.keys(cases)).toEqual([...projectCatalogue().names()].sort());
});

describe.each(Object.entries(cases))("%s", (name, given) => {
  const expected = join(import.meta.dirname, name, "ubuntu.json");

  test.each(releases)("on Ubuntu %s", async (release) => {
    const role = await projectCatalogue().load(name);
    const file = typeof given === "string" ? given : given[release];
    const { params, inputs } = read(join(import.meta.dirname, name, "cases", `${file}.json`)) as Record<
      string,
      unknown
    >;
    const facts = read(join(import.meta.dirname, "../test/support/ubuntu", `${release}.json`)) as Partial<Facts>;
    const operations = role.setup(inputs, role.params.parse(params));
    const { steps } = planHost([{ role: name, operations }], { ...noFacts, ...facts }, unknown);
    const made = steps.map(({ change }) => change.summary);
    if (process.env.OLYMPUS_WRITE_CASES) {
      const before = release === releases[0] ? {} : (read(expected) as object);
      writeFileSync(expected, `${JSON.stringify({ ...before, [release]: made }, undefined, 2)}\n`);
    } else expect(made).toEqual((read(expected) as Record<string, unknown>)[release]);
  });
});
