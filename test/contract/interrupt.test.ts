import { generateKeyPairSync } from "node:crypto";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import ssh2 from "ssh2";
import { afterAll, beforeAll, expect, it } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { olympusOk } from "../support/olympus.ts";

// Two hosts that a real client logs in to: one answers every look, the other takes the command and then the line goes dead.

const hostKey = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
}).privateKey;
const parsed = ssh2.utils.parseKey(hostKey);
if (parsed instanceof Error) throw parsed;
const pin = `ssh-rsa ${parsed.getPublicSSH().toString("base64")}`;

/** The two addresses in the team file; both are this computer. */
const answers = "127.0.0.7";
const dies = "127.0.0.10";
const closers: (() => void)[] = [];
let folder: string;
let words: string[];
let env: Record<string, string>;
let answered: Promise<void>;
let silenced: Promise<void>;

async function listen(
  server: { listen(port: number, host: string, then: () => void): unknown; address(): unknown },
  address: string,
): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return (server.address() as AddressInfo).port;
}

async function sshHost(
  address: string,
  onCommand: (command: string, channel: ssh2.ServerChannel) => void,
): Promise<number> {
  const server = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
    client.on("authentication", (attempt) => attempt.accept());
    client.on("error", () => undefined);
    client.on("session", (accept) => {
      accept().on("exec", (acceptExec, _reject, { command }) => onCommand(command, acceptExec()));
    });
  });
  closers.push(() => server.close());
  return listen(server, address);
}

beforeAll(async () => {
  let onAnswer = (): void => undefined;
  let onSilence = (): void => undefined;
  answered = new Promise((resolve) => {
    onAnswer = resolve;
  });
  silenced = new Promise((resolve) => {
    onSilence = resolve;
  });
  const answering = await sshHost(answers, (command, channel) => {
    const marker = /m=(olympus-[0-9a-f]+)/.exec(command)?.[1];
    channel.write(`\n${marker} state\n1700000000\n\n${marker} end\n`);
    channel.exit(0);
    channel.end();
    onAnswer();
  });
  const sockets: Socket[] = [];
  const behind = await sshHost("127.0.0.1", () => {
    for (const socket of sockets) socket.unpipe().pause();
    onSilence();
  });
  const line = createServer((socket) => {
    const upstream = connect(behind, "127.0.0.1");
    socket.pipe(upstream).pipe(socket);
    sockets.push(socket, upstream);
    for (const one of [socket, upstream]) one.on("error", () => undefined);
  });
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    line.close();
  });
  const dying = await listen(line, dies);

  folder = await mkdtemp(join(tmpdir(), "olympus-interrupt-"));
  const team = join(folder, "team.yaml");
  env = { SOPS_AGE_KEY_FILE: join(folder, "age.txt") };
  words = ["--team", team];
  await copyFile(join(projectRoot, "examples/lab/team.yaml"), team);
  const host = (address: string, port: number) =>
    `address: ${address}, port: ${port}, hostKey: ${pin}, roles: { base: {} },`;
  const text = (await readFile(team, "utf8"))
    .replaceAll("10.220.1.", "127.0.0.")
    .replace("gateway: 127.0.0.1", "gateway: 127.0.0.254")
    .replace(`address: ${answers},`, host(answers, answering))
    .replace(`address: ${dies},`, host(dies, dying));
  await writeFile(team, text);
  await olympusOk(["secrets", "init", ...words], { env });
});

afterAll(async () => {
  for (const close of closers) close();
  await rm(folder, { recursive: true });
});

it("Ctrl-C ends a run on hosts at once, one that answered and one behind a dead line", async () => {
  const run = execa(
    join(projectRoot, "scripts/olympus"),
    ["role", "check", "base", "--host", "r420,r720xd", ...words],
    { env, reject: false, stdin: "ignore" },
  );
  await Promise.all([answered, silenced]);
  const begun = performance.now();
  run.kill("SIGINT");
  const { exitCode, stderr } = await run;
  expect(stderr).toContain("interrupted");
  expect(exitCode).toBe(130);
  // Not only when keepalives have found the dead line out, after 14 s.
  expect(performance.now() - begun).toBeLessThan(12_000);
});
