import { spawn } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Operation } from "../../src/converge/operations.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

// Changes of who can get in, on real machines: confirmed over a new connection, or taken back by the host itself.
let lab: RoleLab;
const killed = 1;

beforeAll(async () => {
  lab = await openRoleLab(2);
});
afterAll(async () => lab.close());

const file = "/etc/ssh/sshd_config.d/90-probe.conf";
const sshd = (content: string): Operation => ({
  kind: "file",
  id: "sshd",
  path: file,
  content,
  access: true,
  restarts: ["ssh.service"],
});
const deaf = sshd("ListenAddress 127.0.0.1\n");
const present = (machine = 0): Promise<string> => lab.inside(`ls ${file} 2>/dev/null || echo none`, machine);

test("a change that lets new connections through is confirmed over one, and made after everything else", async () => {
  const steps: string[] = [];
  const other: Operation = { kind: "file", id: "other", path: "/srv/other", content: "1\n" };
  const result = await lab.apply("setup", [sshd("LogLevel VERBOSE\n"), other], {
    progress: (_, label, ended) => void (ended === undefined && steps.push(label)),
  });
  expect(result.errors).toEqual([]);
  expect(steps.slice(1)).toEqual([
    "probe: /srv/other: create",
    "probe: guard who can get in",
    `probe: ${file}: create`,
    "probe: restart ssh.service",
    "probe: confirm over a new connection",
    "journal",
  ]);
  expect((await lab.apply("setup", [sshd("LogLevel VERBOSE\n"), other])).changed).toBe(0);
  expect((await lab.apply("reset", {})).errors).toEqual([]);
  expect(await present()).toBe("none\n");
});

test("#29 nobody can get in any more: the host takes the change back by itself, and the run says so; also when the client was killed", async () => {
  const locked = lab.apply("setup", [deaf]);
  const client = spawn(process.execPath, [new URL("../support/role-client.ts", import.meta.url).pathname], {
    env: {
      ...process.env,
      ROLE_TARGET: JSON.stringify({
        name: lab.machines[killed]!.name,
        address: lab.machines[killed]!.address,
        port: 22,
        user: "agent",
        hostKey: lab.machines[killed]!.hostKey,
        pinnedIn: "test",
        privateKey: lab.secrets.require("ssh.deploy.private").reveal(),
      }),
      ROLE_OPERATIONS: JSON.stringify([deaf]),
      ROLE_WHO: "kim@laptop",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise<void>((done, fail) => {
    client.stdout.on("data", (chunk: Buffer) => chunk.toString().includes("confirm over") && done());
    client.once("exit", () => fail(new Error("the client ended before it was asked")));
  });
  client.removeAllListeners("exit");
  client.kill("SIGKILL");
  expect(await present(killed)).toBe(`${file}\n`);
  const guarded = "/run/olympus/runs/$(ls -t /run/olympus/runs | head -n 1)/access-probe";
  const places = await Promise.all([0, killed].map(async (at) => (await lab.inside(`echo ${guarded}`, at)).trim()));

  const result = await locked;
  expect(result.errors.map(({ code, exit }) => [code, exit])).toEqual([["E-ROLE-ACCESS", 2]]);
  expect(await present()).toBe("none\n");
  // A new connection proves that access is back; nothing is owed.
  const check = await lab.apply("check", [deaf]);
  expect(check.hosts[0]!.lines.map(({ summary }) => summary)).toEqual([`${file}: create`, "restart ssh.service"]);

  await expect.poll(() => present(killed), { timeout: 120_000, interval: 500 }).toBe("none\n");
  const names = lab.machines.map(({ name }) => name);
  await expect
    .poll(async () => (await lab.apply("check", [deaf], { hosts: [names[killed]!] })).errors.length, {
      timeout: 120_000,
    })
    .toBe(0);
  // By the hosts' own times: of the question, of when they began to take the change back, and of when they had.
  for (const [at, place] of places.entries()) {
    const times = await lab.inside(`cd ${place}; stat -c %Y asked reverting reverted`, [0, killed][at]);
    const [asked, reverting, reverted] = times.trim().split("\n").map(Number);
    expect(reverting! - asked!, times).toBeGreaterThanOrEqual(29);
    // A second of thirty may take longer on a busy computer.
    expect(reverting! - asked!, times).toBeLessThanOrEqual(35);
    expect(reverted! - reverting!, times).toBeLessThanOrEqual(15);
  }
});

test("a step that fails after access was changed: all of it goes back at once", async () => {
  const failing: Operation = {
    kind: "command",
    id: "no",
    summary: "fail",
    check: "false",
    apply: "exit 1",
    access: true,
  };
  const result = await lab.apply("setup", [deaf, failing]);
  expect(result.errors.map(({ code }) => code)).toEqual(["E-ROLE-APPLY"]);
  expect(await present()).toBe("none\n");
  expect((await lab.apply("reset", {})).errors).toEqual([]);
});

test("#5 a login that is locked, where sshd has UsePAM no: one try, exit 4, and the shadow entry that says so is named", async () => {
  const other: Operation = { kind: "file", id: "locked", path: "/srv/locked", content: "1\n" };
  const since = (await lab.inside("date +%s")).trim();
  await lab.inside(`getent shadow agent | cut -d: -f2 >/srv/password; usermod -p '!' agent
printf 'UsePAM no\n' >/etc/ssh/sshd_config.d/00-probe.conf; systemctl restart ssh.service`);
  const result = await lab.apply("setup", [other]);
  const said = await lab.inside(`journalctl -q --no-pager -u ssh --since @${since} -o cat`);
  await lab.inside(`usermod -p "$(cat /srv/password)" agent; rm /srv/password /etc/ssh/sshd_config.d/00-probe.conf
systemctl restart ssh.service`);
  expect(result.errors.map(({ code, exit }) => [code, exit])).toEqual([["E-SSH-AUTH", 4]]);
  expect(result.errors[0]!.hint).toMatch(
    /"!" first in the password field of agent in \/etc\/shadow.*usermod -p '\*' agent/,
  );
  expect(said.match(/account is locked/g)).toHaveLength(1);
  expect((await lab.apply("check", [other])).errors).toEqual([]);
});

test("what a reset brings back may let nobody in: a new connection is tried, and the run says so, and where the console is", async () => {
  const door: Operation = {
    kind: "command",
    id: "door",
    summary: "open the door",
    check: "[ -f /srv/door ]",
    apply: "touch /srv/door",
    undo: "rm -f /srv/door; systemctl stop ssh.service",
    access: true,
  };
  expect((await lab.apply("setup", [door])).errors).toEqual([]);
  const result = await lab.apply("reset", {});
  await lab.inside("systemctl reset-failed ssh.service; systemctl start ssh.service");
  expect(result.errors.map(({ code, exit }) => [code, exit])).toEqual([["E-ROLE-ACCESS", 2]]);
  expect(result.errors[0]!.message).toContain("undone, but a new connection does not come through");
  expect(result.errors[0]!.hint).toContain("npx olympus console");
  expect((await lab.apply("reset", {})).errors).toEqual([]);
});
