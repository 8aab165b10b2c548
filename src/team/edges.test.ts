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
  edges.filter((edge) => edge.open).map((edge) => `${edge.from} ${edge.to}:${edge.port}/${edge.transport}`);

test("each way is open where a row says so, and for people's SSH", () => {
  const edges = edgesOf(team, hosts, { ...options, from: from("athena", "agora"), here: ["10.220.0.9"] });
  expect(open(edges.filter((edge) => edge.from === "athena"))).toEqual([
    "athena agora:8065/tcp",
    "athena 8.8.8.8:53/udp",
    "athena 8.8.4.4:53/udp",
    "athena github.com:22/tcp",
    "athena github.com:443/tcp",
    "athena github.com:123/udp",
  ]);
  // For the chat's releases.
  expect(open(edges.filter((edge) => edge.from === "agora"))).toEqual([
    "agora 8.8.8.8:53/udp",
    "agora 8.8.4.4:53/udp",
    "agora github.com:443/tcp",
    "agora github.com:123/udp",
  ]);
  const people = open(edges.filter((edge) => edge.from === "admin"));
  expect(people).toHaveLength(18);
  expect(people).toContain("admin apollo:18789/tcp");
  expect(edges).toContainEqual({
    from: "athena",
    to: "r420",
    address: "10.220.1.7",
    transport: "tcp",
    port: 22,
    open: false,
    // No firewall of ours there: what athena's lets go has arrived.
    silence: "arrived",
  });
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

test("for each pair a port that nothing names, of both transports, and what a program listens at are closed", () => {
  const listening = new Map([
    ["agora", [{ transport: "udp", port: 40_404 } as const, { transport: "tcp", port: 8065 } as const]],
  ]);
  const edges = edgesOf(team, hosts, { ...options, from: from("athena", "agora"), here: ["10.220.0.9"], listening });
  const closed = (source: string, to: string): string[] =>
    edges
      .filter((edge) => edge.from === source && edge.to === to && !edge.open)
      .map(({ port, transport }) => `${port}/${transport}`);
  // The one that is listened at is no longer one that nothing names.
  expect(closed("athena", "agora")).toEqual(["22/tcp", "443/tcp", "18789/tcp", "40404/udp", "40405/tcp", "40405/udp"]);
  expect(closed("agora", "athena")).toEqual(expect.arrayContaining(["40405/tcp", "40405/udp"]));
  expect(closed("agora", "athena")).not.toContain("40404/udp");
  expect(closed("admin", "athena")).toEqual(expect.arrayContaining(["40405/tcp", "40405/udp"]));
  expect(closed("athena", "github.com")).toEqual(expect.arrayContaining(["40405/tcp", "40405/udp"]));
});

test("what a rule lets some reach is tried from all others, and a port of the matrix from everybody", () => {
  const athena = [hosts.find(({ name }) => name === "athena")!.address];
  const listening = new Map([
    [
      "agora",
      [
        { transport: "tcp", port: 9100, letIn: [{ peers: athena }] } as const,
        { transport: "tcp", port: 9200, letIn: [{ except: athena }] } as const,
        { transport: "tcp", port: 443, letIn: [{ peers: athena }] } as const,
      ],
    ],
  ]);
  const edges = edgesOf(team, hosts, { ...options, from: from("athena", "hermes"), here: [], listening });
  const tried = edges.filter(({ to, port }) => to === "agora" && [443, 9100, 9200].includes(port));
  expect(tried.map(({ from: source, port, open: right }) => `${source} ${port} ${right}`)).toEqual([
    "athena 443 false",
    "athena 9200 false",
    "hermes 443 false",
    "hermes 9100 false",
  ]);
});

test("a row of udp opens its port for udp alone, and the team's firewall at the other end decides", () => {
  const row = { from: "agents", to: "chat", protocol: "udp", port: 443, purpose: "quic", open: true } as const;
  const logged = { ...team, team: { ...team.team, connectivity: [...team.team.connectivity, row] } };
  const edges = edgesOf(logged, hosts, { ...options, from: from("athena", "agora"), here: ["10.220.0.9"] });
  const at = edges.filter(({ port, to }) => port === 443 && to !== "github.com");
  expect(open(at)).toEqual(["athena agora:443/udp"]);
  expect(new Set(at.map(({ transport }) => transport))).toEqual(new Set(["tcp", "udp"]));
  expect(at.find(({ to, transport }) => to === "agora" && transport === "udp")?.silence).toBe("unsure");
});
