/** The last verified backup in `status`, of a machine whose services answer or do not: over SSH, with the backup program played. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createPlainServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SecretStore } from "../../secrets/store.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { Secret } from "../../src/base/secret.ts";
import { type HostStatus, teamStatus } from "../../src/status/status.ts";
import { loadTeam } from "../../src/team/load.ts";
import { makeKey } from "../support/sshd.ts";

const address = "127.78.9.20";
let folder: string;
let secrets: SecretStore;
let commands: string[];
/** What the host notes of its backups. */
let noted: string;
/** The way to the machine's port 22, which this computer's own server may have. */
let jump: ssh2.Server;
let jumpKey: string;
const servers: { close(): unknown }[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "olympus-status-backups-"));
  commands = [];
  const deploy = makeKey(folder, "deploy");
  const host = makeKey(folder, "host");
  const values: Record<string, string> = { "ssh.deploy.private": deploy.private, "hosts.agora.public": host.public };
  const require = (path: string) => new Secret(path, values[path] ?? "none");
  secrets = { get: () => undefined, all: () => [], require } as unknown as SecretStore;
  jumpKey = host.public;
  // This computer has no login of a machine's: this server takes it for good.
  const machine = new ssh2.Server({ hostKeys: [host.private] }, (client) => {
    client.on("error", () => undefined);
    client.on("authentication", (login) => login.accept());
    client.on("session", (accept) =>
      accept().on("exec", (accepted, _refuse, { command }) => {
        commands.push(command);
        const channel = accepted();
        channel.write(noted);
        channel.exit(0);
        channel.end();
      }),
    );
  });
  jump = new ssh2.Server({ hostKeys: [host.private] }, (client) => {
    client.on("error", () => undefined);
    client.on("authentication", (login) => login.accept());
    client.on("tcpip", (accept, refuse, { destIP, destPort }) => {
      if ([address, "127.78.9.7"].includes(destIP) && destPort === 22)
        machine.injectSocket(accept() as unknown as Socket);
      else refuse();
    });
  });
  await new Promise<void>((resolve) => jump.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  jump.close();
  for (const server of servers.splice(0)) server.close();
  rmSync(folder, { recursive: true });
});

const keyOf = (line: string) => line.split(" ", 2).join(" ");
const noteOf = (daysAgo: number) => {
  const at = Math.floor(Date.now() / 1000) - daysAgo * 86_400;
  return `made ${at}\nverified ${at}\n`;
};

/** `hypervisor`: r420 has backups too, and is asked. */
async function asked(host = "agora", hypervisor = ""): Promise<HostStatus> {
  const file = join(folder, "team.yaml");
  const example = readFileSync(join(projectRoot, "examples/lab/team.yaml"), "utf8")
    .replace("services: [chat, rehearsal]", "services: [chat, rehearsal]\n    roles: { backup: { to: r420 } }")
    .replace(/(r420: \{.*) \}/, `$1, hostKey: ${keyOf(jumpKey)}, roles: { backup: {${hypervisor}} } }`)
    .replace(
      "  domain: lab.internal",
      `$&\n  jump: { address: 127.0.0.1, port: ${(jump.address() as AddressInfo).port}, hostKey: ${keyOf(jumpKey)} }`,
    );
  writeFileSync(file, example.replaceAll("10.220.1.", "127.78.9."));
  const [status] = await teamStatus(await loadTeam(file), secrets, new AbortController().signal, [host]);
  return status!;
}

function listen(server: Server | ReturnType<typeof createPlainServer>, port: number): Promise<void> {
  servers.push(server);
  return new Promise((resolve) => server.listen(port, address, resolve));
}

test("a machine of which one port refuses is asked for its backups all the same, and stays what it is", async () => {
  noted = noteOf(0);
  const young = await asked();
  expect(young).toMatchObject({ state: "unreachable", next: "npx olympus doctor agora" });
  expect(young.detail).toMatch(/nothing listens on 127\.78\.9\.20:8065.*; backup verified \d{4}-/);
  expect(commands).toEqual([expect.stringContaining("/opt/olympus/backup/backup status")]);
  noted = noteOf(5);
  expect(await asked()).toMatchObject({
    state: "unreachable",
    detail: expect.stringMatching(/nothing listens.*; the last verified backup is 5\.0 days old$/),
    next: "npx olympus doctor agora",
  });
});

test("one that answers is told with its backup, or as broken for it", async () => {
  const well = createServer((_request, response) => response.end("{}"));
  await listen(well, 8065);
  await listen(
    createServer((_request, response) => response.end("{}")),
    18780,
  );
  noted = noteOf(0);
  expect(await asked()).toMatchObject({ state: "fine", detail: expect.stringContaining("; backup verified ") });
  noted = noteOf(5);
  expect(await asked()).toMatchObject({ state: "broken", next: "npx olympus backup now agora" });
});

test("a machine that says nothing at all is not waited for a second time", async () => {
  // Both take connections and are silent: nothing tells that anybody is there.
  for (const port of [8065, 18780]) await listen(createPlainServer(), port);
  expect(await asked()).toMatchObject({ state: "unreachable", detail: expect.not.stringContaining("backup") });
  expect(commands).toEqual([]);
});

test("of a hypervisor too its backups are asked, also when its libvirt cannot be", async () => {
  noted = noteOf(5);
  const status = await asked("r420", " to: r720xd ");
  expect(status).toMatchObject({ name: "r420", kind: "hypervisor" });
  expect(status.detail).toContain("the last verified backup is 5.0 days old");
});
