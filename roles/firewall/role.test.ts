import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { listHosts } from "../../src/team/hosts.ts";
import { loadTeam } from "../../src/team/load.ts";
import { testRoleCases } from "../../test/support/role-cases.ts";
import { role } from "./role.ts";
import { githubNetworks, rulesOf } from "./rules.ts";

testRoleCases(role, join(import.meta.dirname, "cases"));

const team = await loadTeam(join(projectRoot, "examples/lab/team.yaml"));
const hosts = listHosts(team);
const rules = (name: string) =>
  rulesOf(team, hosts.find((host) => host.name === name)!, hosts, githubNetworks).map(
    ({ chain, name: rule, peers, except }) =>
      [chain, rule, ...(peers ?? []).slice(0, 2), ...(except ?? []).slice(0, 1).map((one) => `not ${one}`)].join(" "),
  );

test("each host's rules are the rows of the matrix that speak of it", () => {
  const needs = ["out names-udp 10.220.1.1", "out names-tcp 10.220.1.1", "out time", "out packages not 10.0.0.0/8"];
  expect(rules("athena")).toEqual([
    ...needs,
    "in admin-to-agents-tcp-22 10.220.1.254",
    "in admin-to-agents-tcp-18789 10.220.1.254",
    "out agents-to-chat-tcp-8065 10.220.1.20",
    "out agents-to-rehearsal-tcp-18780 10.220.1.20",
    "out agents-to-internet-tcp-443 not 10.0.0.0/8",
    "out agents-to-github-tcp-22 192.30.252.0/22 185.199.108.0/22",
  ]);
  expect(rules("agora")).toEqual([
    ...needs,
    "in agents-to-chat-tcp-8065 10.220.1.50",
    "in agents-to-rehearsal-tcp-18780 10.220.1.50",
    "in admin-to-chat-tcp-8065 10.220.1.254",
  ]);
  expect(rules("r420")).toEqual(needs);
});

test("package sources by address are let through alone", () => {
  const packages = { debian: ["deb http://10.220.1.1:3142/debian bookworm main"], proxy: "http://10.220.1.1:3142" };
  const cached = { ...team, team: { ...team.team, network: { ...team.team.network, packages } } };
  const out = rulesOf(cached, hosts[0]!, hosts, githubNetworks).filter(({ name }) => name.startsWith("packages"));
  expect(out).toEqual([
    { chain: "out", name: "packages-10-220-1-1-3142", protocol: "tcp", ports: [3142], peers: ["10.220.1.1"] },
  ]);
});

test("GitHub's networks come from the team file; the default is the one that the page shows", () => {
  const page = readFileSync(join(projectRoot, "docs/reference/firewall.md"), "utf8");
  expect(role.params.parse({})).toMatchObject({ github: /```\n([\d./\n]+)\n```/.exec(page)![1]!.split("\n") });
  const host = hosts.find(({ name }) => name === "athena")!;
  const asked = { host, team, hosts } as unknown as Parameters<typeof role.inputs>[0];
  expect(role.inputs(asked, role.params.parse({ github: ["198.51.100.0/24"] }))).toMatchObject({
    rules: expect.arrayContaining([
      expect.objectContaining({ name: "agents-to-github-tcp-22", peers: ["198.51.100.0/24"] }),
    ]),
  });
});

test("#29 people's way in stands first, and everything is guarded", () => {
  const operations = role.setup({ admin: ["10.0.0.0/8"], port: 22, rules: [], routes: false }, role.params.parse({}));
  expect(operations.map(({ id, access }) => [id, access])).toEqual([
    ["package", undefined],
    ["in-admin-ssh", true],
    ["table", true],
    ["unit", true],
    ["loaded", true],
  ]);
  expect(role.params.safeParse({ github: ["here"] }).success).toBe(false);
});
