import { join } from "node:path";
import { expect, test } from "vitest";
import type { SecretStore } from "../../secrets/store.ts";
import { projectRoot } from "../base/paths.ts";
import { Secret } from "../base/secret.ts";
import { listHosts } from "../team/hosts.ts";
import { loadTeam } from "../team/load.ts";
import { sshTargetOf } from "./find.ts";

const secrets = { require: (path: string) => new Secret(path, `value of ${path}`) } as SecretStore;

test("every host is reached at its own address, by its own pinned key, with the team's deploy key", async () => {
  const lab = await loadTeam(join(projectRoot, "examples/lab/team.yaml"));
  const team = { ...lab, hypervisors: lab.hypervisors.map((one) => ({ ...one, hostKey: `ssh-ed25519 ${one.name}` })) };
  const targets = listHosts(team).map(({ name }) => sshTargetOf(team, secrets, name));
  expect(
    targets.map(({ name, user, address, port, hostKey }) => [name, `${user}@${address}:${port}`, hostKey]),
  ).toEqual([
    ["athena", "agent@10.220.1.50:22", "value of hosts.athena.public"],
    ["agora", "agent@10.220.1.20:22", "value of hosts.agora.public"],
    ["r420", "operator@10.220.1.7:22", "ssh-ed25519 r420"],
    ["r720xd", "operator@10.220.1.10:22", "ssh-ed25519 r720xd"],
  ]);
  expect(targets.map(({ privateKey }) => privateKey.name)).toEqual(targets.map(() => "ssh.deploy.private"));
  expect(targets[0]!.pinnedIn).toContain("hosts.athena.public");
  expect(targets[2]!.pinnedIn).toMatch(/team\.yaml/);
});

test("nothing connects to a hypervisor that nobody pinned, nor to a name that is not in the team file", async () => {
  const team = await loadTeam(join(projectRoot, "examples/lab/team.yaml"));
  expect(() => sshTargetOf(team, secrets, "r420")).toThrow(
    expect.objectContaining({ code: "E-HOSTKEY-MISSING", exit: 1, hint: "npx olympus pin r420" }),
  );
  expect(() => sshTargetOf(team, secrets, "r42")).toThrow(expect.objectContaining({ code: "E-UNKNOWN" }));
});
