import { join } from "node:path";
import { expect, test } from "vitest";
import { projectRoot } from "../base/paths.ts";
import { adminNetworks, endOf, inNetworks, joined, openWays } from "./connectivity.ts";
import { listHosts } from "./hosts.ts";
import { loadTeam } from "./load.ts";

const team = await loadTeam(join(projectRoot, "examples/lab/team.yaml"));
const hosts = listHosts(team);

test("words of the matrix are groups, services, hosts and networks", () => {
  expect(endOf(team, hosts, "agents")).toEqual({ hosts: ["athena"], networks: ["10.220.1.50"] });
  expect(endOf(team, hosts, "hypervisors").hosts).toEqual(["r420", "r720xd"]);
  expect(endOf(team, hosts, "chat")).toEqual({ hosts: ["agora"], networks: ["10.220.1.20"] });
  expect(endOf(team, hosts, "r420").networks).toEqual(["10.220.1.7"]);
  expect(endOf(team, hosts, "admin")).toEqual({ hosts: [], networks: ["10.220.1.254"] });
  expect(endOf(team, hosts, "internet").outside).toBe("internet");
  expect(endOf(team, hosts, "10.220.1.0/27")).toEqual({
    hosts: ["agora", "r420", "r720xd"],
    networks: ["10.220.1.0/27"],
  });
});

test("closed rows open nothing, and a row that stands twice is one way", () => {
  const ways = openWays(
    { ...team, team: { ...team.team, connectivity: [...team.team.connectivity, ...team.team.connectivity] } },
    hosts,
  );
  expect(ways.map(({ name }) => name)).toEqual([
    "agents-to-chat-tcp-8065",
    "agents-to-rehearsal-tcp-18780",
    "agents-to-internet-tcp-443",
    "agents-to-github-tcp-22",
    "admin-to-agents-tcp-22",
    "admin-to-chat-tcp-8065",
    "admin-to-agents-tcp-18789",
  ]);
});

test("networks inside others are left out, whichever comes first", () => {
  expect(joined(["10.1.0.0/16", "10.0.0.0/8", "10.2.3.4/32", "192.168.0.1", "192.168.0.1/32", "10.0.0.0/8"])).toEqual([
    "10.0.0.0/8",
    "192.168.0.1",
  ]);
  expect(inNetworks(["10.0.0.0/8", "192.168.0.1"], "192.168.0.1")).toBe(true);
  expect(inNetworks(["10.0.0.0/8"], "11.0.0.1")).toBe(false);
});

test("people come through jump hosts too", () => {
  const jump = { address: "192.0.2.7", port: 22, user: "kim", hostKey: "ssh-ed25519 AAAA" };
  const behind = { ...team, team: { ...team.team, network: { ...team.team.network, jump } } };
  expect(adminNetworks(behind)).toEqual(["10.220.1.254", "192.0.2.7"]);
});
