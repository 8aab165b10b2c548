import { join } from "node:path";
import { expect, test } from "vitest";
import { projectRoot } from "../base/paths.ts";
import { edgesOf } from "./edges.ts";
import { listHosts } from "./hosts.ts";
import { loadTeam } from "./load.ts";

const team = await loadTeam(join(projectRoot, "team.yaml"));
const hosts = listHosts(team);
const from = (...names: string[]) => hosts.filter(({ name }) => names.includes(name));
const options = { here: ["127.0.0.1"], outside: "github.com" };
const open = (edges: ReturnType<typeof edgesOf>): string[] =>
  edges.filter((edge) => edge.open).map((edge) => `${edge.from} ${edge.to}:${edge.port}`);

test("each way is open where a row says so, and for people's SSH", () => {
  const edges = edgesOf(team, hosts, { ...options, from: from("athena", "agora"), here: ["10.220.0.9"] });
  expect(open(edges.filter((edge) => edge.from === "athena"))).toEqual([
    "athena agora:8065",
    "athena github.com:22",
    "athena github.com:443",
  ]);
  // For the chat's releases.
  expect(open(edges.filter((edge) => edge.from === "agora"))).toEqual(["agora github.com:443"]);
  const people = open(edges.filter((edge) => edge.from === "admin"));
  expect(people).toHaveLength(18);
  expect(people).toContain("admin apollo:18789");
  expect(edges).toContainEqual({ from: "athena", to: "r420", address: "10.220.1.7", port: 22, open: false });
});

test("this computer stands for people only in their networks, and nobody is tried whom no firewall keeps", () => {
  expect(edgesOf(team, hosts, { ...options, from: [] })).toEqual([]);
  const without = hosts.map((host) => ({ ...host, roles: {} }));
  expect(edgesOf(team, without, { ...options, from: without, here: ["10.220.0.9"] })).toEqual([]);
});

test("a host that may begin anything is a source for the others' firewalls alone", () => {
  const free = hosts.map((host) =>
    host.name === "athena" ? { ...host, roles: { firewall: { egress: false } } } : host,
  );
  const edges = edgesOf(team, free, { ...options, from: free.filter(({ name }) => name === "athena") });
  expect(edges.map(({ to }) => to)).not.toContain("github.com");
  expect(edges.map(({ to }) => to)).not.toContain("r420");
});
