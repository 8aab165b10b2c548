import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { projectRoot } from "../base/paths.ts";
import { listHosts } from "./hosts.ts";
import { parseTeam } from "./load.ts";

const sound = readFileSync(join(projectRoot, "src", "team", "cases", "sound.yaml"), "utf8");

it("lists agents, services and hypervisors with their logins and roles", () => {
  expect(
    listHosts(parseTeam(sound, "/x/team.yaml")).map(
      ({ name, kind, user, address, port, hypervisor, roles }) =>
        `${name} ${kind} ${user}@${address}:${port} ${hypervisor} ${Object.keys(roles).join(",")}`,
    ),
  ).toEqual([
    "athena agent agent@10.1.0.50:22 north base,node,agent",
    "apollo agent agent@10.1.0.51:22 north base,node,agent",
    "agora service agent@10.1.0.20:22 south base,postgresql,mattermost",
    "north hypervisor olympus@10.1.0.2:22 north ",
    "south hypervisor olympus@10.1.0.3:22 south ",
  ]);
});

it("adds a host's own roles, and parameters over the team's", () => {
  const text = sound
    .replace("services: [chat] }", "services: [chat], roles: { postgresql: { maxConnections: 50 } } }")
    .replace("disk: 1 TB, cpus: 8 }", "disk: 1 TB, cpus: 8, port: 2222, roles: { base: } }")
    .replace("  budget: { run: 1", "  roles: { postgresql: { maxConnections: 9, cache: 1 GB } }\n  budget: { run: 1");
  const hosts = listHosts(parseTeam(text, "/x/team.yaml"));
  expect(hosts.find(({ name }) => name === "agora")?.roles.postgresql).toEqual({ maxConnections: 50, cache: "1 GB" });
  expect(hosts.find(({ name }) => name === "south")).toMatchObject({ port: 2222, roles: { base: {} } });
  // A parameter for the whole team does not bring the role where it is not.
  expect(hosts.find(({ name }) => name === "athena")?.roles).toEqual({ base: {}, node: {}, agent: {} });
});
