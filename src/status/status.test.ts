import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SecretStore } from "../../secrets/store.ts";
import { OlympusError } from "../base/errors.ts";
import { projectRoot } from "../base/paths.ts";
import { Secret } from "../base/secret.ts";
import { loadTeam } from "../team/load.ts";
import { whyUnreached } from "./reach.ts";
import { type HostStatus, stateOfHypervisor, teamStatus, withProblem } from "./status.ts";

const secrets = {
  require: (path: string) => {
    if (path.startsWith("agents.")) return new Secret(path, "token");
    throw new OlympusError(`${path} is not set`, { code: "E-SECRET-MISSING" });
  },
} as unknown as SecretStore;

let folder: string;
let chat: Server;
let hosts: readonly HostStatus[];

// The lab's team with every machine on this computer: Mattermost is played and unwell, nothing else listens.
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "olympus-status-"));
  const file = join(folder, "team.yaml");
  const example = readFileSync(join(projectRoot, "examples/lab/team.yaml"), "utf8");
  writeFileSync(file, example.replaceAll("10.220.1.", "127.77.1."));
  chat = createServer((_request, response) => response.writeHead(500).end());
  await new Promise<void>((resolve) => chat.listen(8065, "127.77.1.20", resolve));
  hosts = await teamStatus(await loadTeam(file), secrets, new AbortController().signal);
});
afterAll(() => {
  chat.close();
  rmSync(folder, { recursive: true });
});

const of = (name: string): HostStatus | undefined => hosts.find((host) => host.name === name);

describe("status says in words", () => {
  it("what of an agent is not reachable, and the next step", () => {
    expect(of("athena")).toMatchObject({
      state: "unreachable",
      detail: "agent: not reachable, nothing listens on 127.77.1.50:18789",
      next: "npx olympus doctor athena",
    });
  });

  it("which of a machine's services is not well, and which is not there", () => {
    expect(of("agora")).toMatchObject({
      state: "unreachable",
      detail:
        "Mattermost with PostgreSQL: runs, but is not well (HTTP 500); rehearsal model: not reachable, nothing listens on 127.77.1.20:18780",
      next: "npx olympus doctor agora",
    });
  });

  it("nothing in the words of the operating system", () => {
    for (const { detail } of hosts) expect(detail).not.toMatch(/ECONN|EHOST|ETIMEDOUT|fetch failed/);
  });
});

it("asks only those that are named, and knows the names", async () => {
  const team = await loadTeam(join(folder, "team.yaml"));
  const { signal } = new AbortController();
  expect((await teamStatus(team, secrets, signal, ["athena"])).map(({ name }) => name)).toEqual(["athena"]);
  await expect(teamStatus(team, secrets, signal, ["athen"])).rejects.toMatchObject({ code: "E-UNKNOWN" });
});

it("one agent that answers oddly is broken, and the others are told all the same", async () => {
  const odd = createServer((_request, response) => response.end('{"harness":{"chat":"connected"}}'));
  await new Promise<void>((resolve) => odd.listen(18789, "127.77.1.50", resolve));
  const team = await loadTeam(join(folder, "team.yaml"));
  const found = await teamStatus(team, secrets, new AbortController().signal);
  odd.close();
  expect(found.map(({ name }) => name)).toEqual(hosts.map(({ name }) => name));
  expect(found.find(({ name }) => name === "athena")).toMatchObject({
    state: "broken",
    next: "npx olympus doctor athena",
  });
});

it.each([
  ["EHOSTUNREACH", "no machine answers at 10.0.0.1"],
  ["ENETUNREACH", "this computer has no way to 10.0.0.1"],
  ["ETIMEDOUT", "no answer from 10.0.0.1:80 within 5 s"],
  ["UND_ERR_SOCKET", "10.0.0.1:80 broke the connection off"],
])("%s is told as %j, also from behind fetch's own error", (code, words) => {
  const cause = Object.assign(new Error(`connect ${code} 10.0.0.1:80`), { code });
  expect(whyUnreached(new TypeError("fetch failed", { cause }), "10.0.0.1:80", 5)).toBe(words);
});

it("a request that was given up is told as no answer", async () => {
  const mute = createServer(() => undefined);
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  const { port } = mute.address() as AddressInfo;
  const error = await fetch(`http://127.0.0.1:${port}`, { signal: AbortSignal.timeout(50) }).catch(
    (why: unknown) => why,
  );
  expect(whyUnreached(error, "10.0.0.1:80", 5)).toBe("no answer from 10.0.0.1:80 within 5 s");
  mute.closeAllConnections();
  mute.close();
});

it.each([
  ["fine", "broken", "backup of 2026-11-01 is too old", "backup now"],
  ["attention", "broken", "backup of 2026-11-01 is too old; agent: idle", "backup now"],
  ["broken", "broken", "agent: idle; backup of 2026-11-01 is too old", "logs"],
  ["unreachable", "unreachable", "agent: idle; backup of 2026-11-01 is too old", "logs"],
] as const)("a backup that is too old is told of a host that is %s", (was, state, detail, next) => {
  const answer = { state: was, detail: "agent: idle", next: was === "fine" ? "" : "logs" };
  expect(withProblem(answer, "backup of 2026-11-01 is too old", "backup now")).toEqual({ state, detail, next });
});

describe("a hypervisor", () => {
  const names = { pool: "default", bridge: "br0", prefix: "lab." };
  const state = (name: string) => ({ name: `lab.${name}`, uuid: "1", state: "running", description: "" });
  const well = { pool: true, bridge: true, domains: [state("athena")], volumes: [] };

  it("is fine when its VMs run and it has what they start from", () => {
    expect(stateOfHypervisor(well, names, ["athena"])).toEqual({ state: "fine", detail: "its VM runs", next: "" });
  });

  it.each([
    [{ pool: false }, "its pool default is not active", "doctor"],
    [{ pool: undefined }, "it has no pool default", "doctor"],
    [{ bridge: false }, "it has no bridge br0", "doctor"],
    [{ domains: [] }, "not running: athena", "up"],
    [{ domains: [], pool: false }, "its pool default is not active; not running: athena", "doctor"],
  ])("with %j is broken: %s", (change, detail, next) => {
    expect(stateOfHypervisor({ ...well, ...change }, names, ["athena"])).toEqual({ state: "broken", detail, next });
  });
});
