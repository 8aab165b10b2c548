import { execFile } from "node:child_process";
import { connect } from "node:net";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ReportEvent, silentReporter } from "../../src/base/report.ts";
import type { CommandContext } from "../../src/cli/context.ts";
import { verify } from "../../src/cli/role-verify.ts";
import type { TriedEdge } from "../../src/converge/try-edges.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { snapshotDifference, snapshotHost } from "../support/host-snapshot.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";
import { changedTeam } from "../support/team.ts";

// The role firewall on an agent and on the chat's machine, with something on the internet, and containers behind rules like Docker's.
const run = promisify(execFile);
let lab: RoleLab;
let team: LoadedTeam;
let before: string[][];
const internet = "198.51.100.1";
const hosts = ["athena", "agora"];
const athena = 0;
const agora = 1;

const snapshots = () => Promise.all([athena, agora].map((at) => snapshotHost((script) => lab.inside(script, at))));
const apply = (action: "setup" | "check" | "reset", options = {}) =>
  lab.apply(action, { firewall: "real" }, { team, hosts, ...options });
const listen = (unit: string, port: number): string => `systemd-run -q --unit=${unit} nc -lk 0.0.0.0 ${port}`;
/** What it is sent it never answers. */
const listenQuietly = (unit: string, port: number): string => `systemd-run -q --unit=${unit} nc -luk 0.0.0.0 ${port}`;

/** `open` or what kept it from being so, asked from a machine. */
const ask = async (from: number, address: string, port: number): Promise<string> =>
  (await lab.inside(`timeout 3 bash -c 'exec 3<>/dev/tcp/${address}/${port}' 2>&1 && echo open || echo closed`, from))
    .trim()
    .split("\n")
    .at(-1)!;

const askHere = (address: string, port: number): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: 3000 });
    const end = (word: string) => () => {
      socket.destroy();
      resolve(word);
    };
    socket.once("connect", end("open")).once("timeout", end("closed")).once("error", end("closed"));
  });

beforeAll(async () => {
  lab = await openRoleLab(2);
  const out = await lab.lab.start("outside");
  team = changedTeam(lab.team, (file) => {
    file.network.cidr = lab.lab.cidr;
    file.network.admin = [`${lab.lab.hostAddress}/32`];
    file.network.resolvers = [lab.lab.gateway];
    file.connectivity.push({ from: "agents", to: "chat", protocol: "udp", port: 5140, purpose: "logs", open: true });
  });
  await lab.inside(
    `ip route add ${internet} via ${out.address}; ${listen("dashboard", 18789)}; ${listen("other", 9999)}
    # A container, as Docker makes one: a bridge, addresses translated, a published port, everything forwarded.
    echo 1 >/proc/sys/net/ipv4/ip_forward
    ip netns add box; ip link add docker9 type bridge; ip address add 172.30.0.1/24 dev docker9; ip link set docker9 up
    ip link add veth9 type veth peer name eth0 netns box; ip link set veth9 master docker9 up
    ip -n box address add 172.30.0.2/24 dev eth0; ip -n box link set eth0 up; ip -n box link set lo up
    ip -n box route add default via 172.30.0.1
    nft -f - <<'E'
table ip dockerish {
  chain prerouting { type nat hook prerouting priority dstnat; tcp dport { 8080, 18790 } dnat to 172.30.0.2:80; }
  chain postrouting { type nat hook postrouting priority srcnat; ip saddr 172.30.0.0/24 oifname != "docker9" masquerade; }
  chain forward { type filter hook forward priority filter; policy accept; }
}
E
    systemd-run -q --unit=box nsenter --net=/run/netns/box nc -lk 0.0.0.0 80`,
    athena,
  );
  await lab.inside(
    `${listen("chat", 8065)}; ${listen("other", 9999)}; ${listen("dashboard", 18789)}
    ${listenQuietly("logs", 5140)}; ${listenQuietly("quiet", 9998)}`,
    agora,
  );
  const script = `ip address add ${internet}/32 dev lo; ${listen("https", 443)}; ${listen("other", 8443)}`;
  await run("nsenter", ["-t", String(out.init.pid), "-a", "/bin/sh", "-c", script]);
  before = await snapshots();
});
afterAll(async () => lab.close());

const address = (at: number): string => lab.machines[at]!.address;

test("without it everything is open, past published ports too", async () => {
  expect(await ask(athena, address(agora), 9999)).toBe("open");
  expect(await ask(athena, internet, 8443)).toBe("open");
  expect(await askHere(address(athena), 8080)).toBe("open");
});

test("#29 a matrix that leaves people out is taken back by the host, and nothing stays closed", async () => {
  const wrong = changedTeam(team, (file) => {
    file.network.admin = ["203.0.113.0/24"];
  });
  const locked = await apply("setup", { team: wrong, hosts: ["athena"] });
  expect(locked.errors[0]).toMatchObject({ code: "E-ROLE-ACCESS", exit: 2 });
  expect(await lab.inside("nft list tables", athena)).not.toContain("olympus");
  expect(await askHere(address(athena), 9999)).toBe("open");
});

test("what the matrix opens is open, everything else is closed; again changes nothing", async () => {
  const setup = await apply("setup");
  expect(setup.errors).toEqual([]);
  expect((await apply("setup")).changed).toBe(0);
  const ways = {
    "athena to the chat": await ask(athena, address(agora), 8065),
    "athena to another port there": await ask(athena, address(agora), 9999),
    "athena to its sshd": await ask(athena, address(agora), 22),
    "the chat to athena's dashboard": await ask(agora, address(athena), 18789),
    "athena to the internet": await ask(athena, internet, 443),
    "athena to the internet by another port": await ask(athena, internet, 8443),
    "people to athena's sshd": await askHere(address(athena), 22),
    "people to athena's dashboard": await askHere(address(athena), 18789),
    "people to another port of athena": await askHere(address(athena), 9999),
    "people to the chat": await askHere(address(agora), 8065),
    "people to the dashboard of a machine that should have none": await askHere(address(agora), 18789),
  };
  expect(
    Object.entries(ways)
      .filter(([, word]) => word === "open")
      .map(([way]) => way),
  ).toEqual([
    "athena to the chat",
    "athena to the internet",
    "people to athena's sshd",
    "people to athena's dashboard",
    "people to the chat",
  ]);
});

test("published ports and what containers ask for obey it, whatever Docker's rules accept", async () => {
  expect(await askHere(address(athena), 8080)).toBe("closed");
  const inBox = (port: number): Promise<string> =>
    lab.inside(
      `timeout 3 nsenter --net=/run/netns/box bash -c 'exec 3<>/dev/tcp/${internet}/${port}' 2>/dev/null && echo open || echo closed`,
      athena,
    );
  expect([await inBox(443), await inBox(8443)]).toEqual(["open\n", "closed\n"]);
  // A role that publishes a port says so with a rule of its own.
  const rule = { kind: "firewall-rule", id: "web", name: "web", chain: "in", protocol: "tcp", ports: [8080] } as const;
  expect((await lab.apply("setup", { firewall: "real", probe: [rule] }, { team })).errors).toEqual([]);
  expect(await askHere(address(athena), 8080)).toBe("open");
  expect(await askHere(address(athena), 18790)).toBe("closed");
  expect((await lab.apply("reset", { firewall: "real", probe: [rule] }, { team, roles: ["probe"] })).errors).toEqual(
    [],
  );
  expect(await askHere(address(athena), 8080)).toBe("closed");
});

test("verify finds ways that somebody opened, also at ports that no row names, and ones that somebody closed; setup mends all", async () => {
  const firewalled: LoadedTeam = {
    ...team,
    machines: lab.team.machines.map((machine) => ({ ...machine, roles: { firewall: {} } })),
  };
  await lab.secrets.save();
  const command = async (): Promise<{ code: number; text: string; edges: TriedEdge[]; wrong: string[] }> => {
    const results: { text: string; data: ReportEvent }[] = [];
    const context: CommandContext = {
      reporter: { ...silentReporter(), result: (text, data) => void results.push({ text, data }) },
      signal: new AbortController().signal,
      options: { json: false, yes: false, debug: false, input: false },
      endsByInterruption: () => undefined,
      loadTeam: async () => firewalled,
      confirm: async () => false,
    };
    const code = await verify(context, "firewall", { host: hosts.join(","), outside: internet });
    const [{ text, data }] = results as [{ text: string; data: ReportEvent }];
    const wrong = (data.wrong as TriedEdge[]).map(
      (edge) => `${edge.from} ${edge.to}:${edge.port}/${edge.transport} ${edge.outcome}`,
    );
    return { code, text, edges: data.edges as TriedEdge[], wrong };
  };
  const fine = await command();
  expect([fine.code, fine.wrong]).toEqual([0, []]);
  expect(fine.text).toMatch(/^\d+ ways: 12 open, \d+ closed; 0 not as the matrix says$/);
  expect(fine.edges.filter(({ open }) => !open).length).toBeGreaterThan(60);
  const outcomes = (port: number, transport: string, to: string): string[] =>
    fine.edges
      .filter((edge) => edge.port === port && edge.transport === transport && edge.to === to)
      .map(({ from, outcome }) => `${from} ${outcome}`);
  // By what arrives there: a program that says nothing is heard, a firewall that says nothing is not.
  expect(outcomes(5140, "udp", "agora")).toEqual(["admin held", "athena through"]);
  expect(outcomes(5140, "udp", "athena")).toEqual(["admin held", "agora held"]);
  // Nobody names them: a program listens at the first two, nothing at the last.
  for (const [port, transport] of [
    [9999, "tcp"],
    [9998, "udp"],
    [40_404, "tcp"],
    [40_404, "udp"],
  ] as const) {
    expect(outcomes(port, transport, "agora"), `${port}/${transport}`).toEqual(["admin held", "athena held"]);
  }
  expect(await lab.inside("nft list tables", agora)).not.toContain("olympus_try");

  await lab.inside(
    `nft insert rule inet olympus in tcp dport { 9999, 18789 } accept
    nft insert rule inet olympus in udp dport { 9998, 40000-50000 } accept
    nft insert rule inet olympus in tcp dport 8065 drop; nft insert rule inet olympus in udp dport 5140 drop`,
    agora,
  );
  const found = await command();
  expect(found.wrong.sort()).toEqual([
    "admin agora:18789/tcp through",
    "admin agora:40404/udp through",
    "admin agora:8065/tcp held",
    "admin agora:9998/udp through",
    "admin agora:9999/tcp through",
    "athena agora:5140/udp held",
    "athena agora:8065/tcp held",
  ]);
  expect(found.code).toBe(3);
  expect(found.text).toMatch(/admin +agora:8065 +does not get through, though a row opens it\n/);
  expect(found.text).toMatch(/admin +agora:9998\/udp +gets through, though no row opens it\n/);
  expect(found.text).toMatch(/; 7 not as the matrix says$/);
  const check = await apply("check");
  expect(check.hosts.map(({ state }) => state)).toEqual(["as-wished", "pending"]);
  expect((await apply("setup")).errors).toEqual([]);
  const mended = await command();
  expect([mended.code, mended.wrong]).toEqual([0, []]);
});

test("Debian's own service empties all tables: ours comes back with it", async () => {
  for (const how of ["restart", "reload"]) {
    await lab.inside(`systemctl ${how} nftables`, agora);
    expect(
      (await apply("check")).hosts.map(({ state }) => state),
      how,
    ).toEqual(["as-wished", "as-wished"]);
  }
  await lab.inside("systemctl stop nftables", agora);
});

test("reset opens everything again and leaves others' rules alone", async () => {
  expect((await apply("reset")).errors).toEqual([]);
  const after = await snapshots();
  expect(after.map((lines, at) => snapshotDifference(before[at]!, lines))).toEqual([[], []]);
  expect(await ask(athena, address(agora), 9999)).toBe("open");
  expect(await askHere(address(athena), 8080)).toBe("open");
});
