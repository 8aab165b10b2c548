import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OlympusError } from "../../src/base/errors.ts";
import { knownHosts, sshWords } from "../../src/machines/ssh-command.ts";
import { connectSsh } from "../../src/ssh/connect.ts";
import type { SshTarget } from "../../src/ssh/connection.ts";
import { freePort } from "../support/processes.ts";
import { makeKey, startSshd, type TestSshd } from "../support/sshd.ts";

// Hosts behind a jump host, and many logins to one server: real sshds with stock MaxStartups (10:30:100) and MaxSessions (10).
const folder = mkdtempSync(join(tmpdir(), "olympus-jump-"));
const count = 30;
let key: ReturnType<typeof makeKey>;
let jump: TestSshd;
let hosts: TestSshd[];
let behind: SshTarget[];

beforeAll(async () => {
  key = makeKey(folder, "mine");
  jump = await startSshd(folder, "jump", key);
  hosts = await Promise.all(Array.from({ length: count }, (_, at) => startSshd(folder, `host${at}`, key)));
  behind = hosts.map(({ target }) => ({ ...target, via: jump.target }));
});
afterAll(async () => {
  await Promise.all([jump, ...hosts].map((one) => one.stop()));
  rmSync(folder, { recursive: true });
});

const failure = (work: Promise<unknown>): Promise<OlympusError> =>
  work.then(
    () => Promise.reject(new Error("should have failed")),
    (error: unknown) => (error instanceof OlympusError ? error : Promise.reject(error)),
  );
const times = (text: string, word: RegExp): number => [...text.matchAll(word)].length;
const refusals = /drop connection|refused connect|no more sessions|open failed|Connection closed by .* \[preauth\]/gi;

async function run(target: SshTarget): Promise<string> {
  const ssh = await connectSsh(target);
  try {
    return (await ssh.exec("echo $SSH_CONNECTION")).stdout;
  } finally {
    ssh.close();
  }
}

test("#19 thirty hosts behind one jump host: none is refused, and the jump host sees one login", async () => {
  const answers = await Promise.allSettled(behind.map(run));
  expect(answers.filter(({ status }) => status === "rejected")).toEqual([]);
  expect(times(jump.log(), /Accepted publickey/g)).toBe(1);
  expect(times([jump, ...hosts].map((one) => one.log()).join(""), refusals)).toBe(0);
});

test("#19 thirty logins to one server at once: paced, so that none is refused", async () => {
  const before = times(jump.log(), /Accepted publickey/g);
  const answers = await Promise.allSettled(Array.from({ length: count }, () => run(jump.target)));
  expect(answers.filter(({ status }) => status === "rejected")).toEqual([]);
  expect(times(jump.log(), /Accepted publickey/g) - before).toBe(count);
  expect(times(jump.log(), refusals)).toBe(0);
});

test("#19 a login counts until the server has done with it, which is after the client hears that it is in", async () => {
  // Exactly as many as are let on their way to one server: a ninth is always dropped.
  const strict = await startSshd(folder, "startups", key, ["MaxStartups 8:100:8"]);
  try {
    const answers = await Promise.allSettled(Array.from({ length: 4 * count }, () => run(strict.target)));
    expect(answers.filter(({ status }) => status === "rejected")).toEqual([]);
    expect(times(strict.log(), refusals)).toBe(0);
  } finally {
    await strict.stop();
  }
});

test("#20 a jump host that allows two channels at a time still reaches thirty hosts", async () => {
  const strict = await startSshd(folder, "strict", key, ["MaxSessions 2"]);
  try {
    const answers = await Promise.allSettled(behind.map((target) => run({ ...target, via: strict.target })));
    expect(answers.filter(({ status }) => status === "rejected")).toEqual([]);
  } finally {
    await strict.stop();
  }
});

test("two jump hosts in a row", async () => {
  const second = { ...hosts[0]!.target, via: jump.target };
  expect(await run({ ...hosts[1]!.target, via: second })).toMatch(/^127\.0\.0\.1 /);
});

test("the system's own ssh takes the same way, with both pins", () => {
  const files = { key: join(folder, "mine"), knownHosts: join(folder, "known_hosts") };
  writeFileSync(files.knownHosts, knownHosts(behind[2]!));
  const ssh = (target: SshTarget): string =>
    execFileSync("ssh", sshWords(target, files, ["echo arrived"], false), { encoding: "utf8", stdio: "pipe" });
  expect(ssh(behind[2]!)).toBe("arrived\n");
  writeFileSync(files.knownHosts, knownHosts({ ...behind[2]!, via: { ...jump.target, hostKey: behind[3]!.hostKey } }));
  expect(() => ssh(behind[2]!)).toThrow();
});

test("a jump host that cannot reach the host: both are named, and the jump host's connection is given up", async () => {
  const error = await failure(connectSsh({ ...behind[0]!, port: await freePort() }));
  expect(error).toMatchObject({ code: "E-SSH-JUMP", exit: 4, where: "host0" });
  expect(error.message).toMatch(/host0: jump, through which it is reached, cannot connect to 127\.0\.0\.1:\d+/);
  await expect.poll(() => times(jump.log(), /Disconnected from user|Received disconnect/g)).toBeGreaterThan(0);
});

test("a jump host that is down, or does not forward", async () => {
  const down = { ...jump.target, port: await freePort() };
  expect(await failure(connectSsh({ ...behind[0]!, via: down }))).toMatchObject({
    code: "E-SSH-REFUSED",
    where: "jump",
  });
  const closed = await startSshd(folder, "closed", key, ["AllowTcpForwarding no"]);
  try {
    const error = await failure(connectSsh({ ...behind[0]!, via: closed.target }));
    expect(error).toMatchObject({ code: "E-SSH-JUMP", exit: 4 });
    expect(error.message).toContain("forwards nothing");
  } finally {
    await closed.stop();
  }
});

test("#3 another host key than pinned, of the jump host: nothing is sent, no login, exit 5", async () => {
  const before = jump.log().length;
  const via = { ...jump.target, hostKey: hosts[0]!.target.hostKey };
  const error = await failure(connectSsh({ ...behind[1]!, via }));
  expect(error).toMatchObject({ code: "E-HOSTKEY", exit: 5, where: "pin of jump" });
  await expect.poll(() => jump.log().slice(before)).toContain("Disconnected");
  expect(jump.log().slice(before)).not.toMatch(/Accepted|Failed|userauth/i);
});

test("#3 another host key than pinned, of the host behind it: exit 5, the host gets no login", async () => {
  const before = hosts[1]!.log().length;
  const error = await failure(connectSsh({ ...behind[1]!, hostKey: jump.target.hostKey }));
  expect(error).toMatchObject({ code: "E-HOSTKEY", exit: 5, where: "pin of host1" });
  expect(hosts[1]!.log().slice(before)).not.toMatch(/Accepted/);
});
