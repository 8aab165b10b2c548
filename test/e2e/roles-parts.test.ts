import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { Secret } from "../../src/base/secret.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { defineRole } from "../../src/converge/types.ts";
import { Canaries, findSecrets } from "../support/leak-gate.ts";
import { openRoleCommand, type RoleCommand } from "../support/role-command.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

// Parts of what the hosts should have, and hosts one after another: --only, --skip, --serial, --max-fail.
let lab: RoleLab;
let role: RoleCommand;
const both = "athena,agora";
const [athena, agora] = [0, 1];

beforeAll(async () => {
  lab = await openRoleLab(2);
  role = await openRoleCommand(lab);
});
afterAll(async () => lab.close());
beforeEach(async () => {
  const { code, stderr } = await role.run("role", "reset", "probe", "--host", both, "--yes");
  if (code !== 0) throw new Error(stderr);
});

const file = (name: string, content = `${name}\n`): Operation => ({
  kind: "file",
  id: name,
  path: `/srv/${name}`,
  content,
});
/** Fails where somebody left `/run/bad`. */
const stops: Operation = {
  kind: "command",
  id: "stops",
  summary: "what fails on some hosts",
  check: "[ ! -e /run/bad ] && [ -e /srv/passed ]",
  apply: "[ ! -e /run/bad ] && touch /srv/passed",
  undo: "rm -f /srv/passed",
};
const files = (machine = athena): Promise<string> => lab.inside("ls /srv | tr '\\n' ' '", machine);
const statesOf = (events: readonly Record<string, unknown>[]): unknown =>
  (events.find(({ type }) => type === "role") as { hosts: { host: string; state: string }[] }).hosts.map(
    ({ host, state }) => `${host} ${state}`,
  );

test("--only makes those operations alone, and takes away nothing that is no longer wished", async () => {
  role.wish([file("one"), file("two"), file("old")]);
  expect((await role.run("role", "setup", "probe", "--host", "athena", "--only", "one,old")).code).toBe(0);
  expect(await files()).toBe("old one ");

  // `old` is no longer wished: only a whole setup may take it away.
  role.wish([file("one", "1\n"), file("two"), file("three")]);
  const check = await role.run("role", "check", "probe", "--host", "athena", "--only", "probe/t*", "--json");
  const { hosts } = check.events.find(({ type }) => type === "role") as { hosts: { lines: { summary: string }[] }[] };
  expect([check.code, hosts[0]!.lines.map(({ summary }) => summary)]).toEqual([
    3,
    ["/srv/two: create", "/srv/three: create"],
  ]);
  expect((await role.run("role", "setup", "probe", "--host", "athena", "--only", "probe/t*")).code).toBe(0);
  expect([await files(), await lab.inside("cat /srv/one")]).toEqual(["old one three two ", "one\n"]);
  const again = await role.run("role", "setup", "probe", "--host", "athena", "--only", "probe/t*", "--json");
  expect([again.code, statesOf(again.events)]).toEqual([0, ["athena as-wished"]]);

  expect((await role.run("role", "setup", "probe", "--host", "athena")).code).toBe(0);
  expect([await files(), await lab.inside("cat /srv/one")]).toEqual(["one three two ", "1\n"]);
});

test("--skip leaves out what a glob means, with what it made before; both words together", async () => {
  role.wish([file("one"), file("two"), file("three")]);
  expect((await role.run("role", "setup", "probe", "--host", "athena", "--skip", "t*")).code).toBe(0);
  expect(await files()).toBe("one ");
  role.wish([file("one"), file("two"), file("three"), file("twelve")]);
  expect((await role.run("role", "setup", "probe", "--host", "athena", "--only", "t*", "--skip", "tw*")).code).toBe(0);
  expect(await files()).toBe("one three ");
  role.wish([file("two")]);
  expect((await role.run("role", "setup", "probe", "--host", "athena", "--skip", "two")).code).toBe(0);
  expect(await files()).toBe("one three ");
});

test("a word that means no operation is an error, and nothing is changed", async () => {
  role.wish([file("one"), file("two")]);
  const wrong = await role.run("role", "setup", "probe", "--host", both, "--only", "one,twoo");
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/E-UNKNOWN[\s\S]*twoo|twoo[\s\S]*E-UNKNOWN/)]);
  expect(wrong.stderr).toContain("two");
  const other = await role.run("role", "setup", "probe", "--host", both, "--skip", "other/*");
  expect([other.code, other.stderr]).toEqual([1, expect.stringContaining("other/*")]);
  expect([await files(), await files(agora)]).toEqual(["", ""]);
});

test("what a role lacks is told, not that a word means none of its operations", async () => {
  const needy = defineRole({
    name: "probe",
    summary: "for a test",
    requires: [],
    params: z.strictObject({}),
    inputs: ({ secrets }) => secrets.require("not.there"),
    setup: () => [file("one")],
  });
  const catalogue = { names: () => ["probe"], load: async () => needy };
  const checked = await lab.apply("check", [], { catalogue, only: ["one"] });
  expect(checked.errors.map(({ message }) => message)).toEqual([expect.stringContaining("not.there")]);
});

test("--serial begins the second host only when the first has ended well", async () => {
  role.wish([file("one"), stops]);
  await lab.inside("touch /run/bad", athena);
  const first = await role.run("role", "setup", "probe", "--host", both, "--serial", "--json");
  expect([first.code, statesOf(first.events)]).toEqual([2, ["athena failed", "agora left"]]);
  expect([await files(), await files(agora)]).toEqual(["one ", ""]);
  const text = await role.run("role", "setup", "probe", "--host", both, "--serial", "1");
  expect([text.code, text.stdout]).toEqual([2, expect.stringContaining("1 not begun")]);

  // Those left alone count as not done: @failed means them too.
  await lab.inside("rm /run/bad", athena);
  const second = await role.run("role", "setup", "probe", "--limit", "@failed", "--serial", "50%", "--json");
  expect([second.code, statesOf(second.events)]).toEqual([0, ["athena changed", "agora changed"]]);
  // Nobody was worked on before the one before had ended.
  const ends = second.events
    .filter(({ type, label }) => type === "role-host" || (type === "role-step" && label !== "looking"))
    .map(({ type, host, state }) => (type === "role-host" ? `${host} ${state}` : `${host} works`));
  const works = ends.slice(ends.lastIndexOf("agora pending") + 1);
  expect(works.lastIndexOf("athena works")).toBeLessThan(works.indexOf("athena changed"));
  expect(works.indexOf("agora works")).toBeGreaterThan(works.indexOf("athena changed"));
});

test("--max-fail: so many may fail before no further host is begun", async () => {
  role.wish([file("one"), stops]);
  await lab.inside("touch /run/bad", athena);
  const none = await role.run("role", "setup", "probe", "--host", both, "--serial", "--max-fail", "0", "--json");
  expect([none.code, statesOf(none.events)]).toEqual([2, ["athena failed", "agora left"]]);
  const share = await role.run("role", "setup", "probe", "--host", both, "--serial", "--max-fail", "49%", "--json");
  expect([share.code, statesOf(share.events)]).toEqual([2, ["athena failed", "agora left"]]);
  const one = await role.run("role", "setup", "probe", "--host", both, "--serial", "--max-fail", "50%", "--json");
  expect([one.code, statesOf(one.events)]).toEqual([2, ["athena failed", "agora changed"]]);
  expect([await files(), await files(agora)]).toEqual(["one ", "one passed "]);
  await lab.inside("rm /run/bad", athena);
});

test("a host that does not answer counts for --max-fail before anything is changed", async () => {
  role.wish([file("one")]);
  await lab.inside("systemctl stop ssh.socket ssh.service 2>/dev/null || systemctl stop ssh.service", agora);
  const none = await role.run("role", "setup", "probe", "--host", both, "--max-fail", "0", "--json");
  expect([none.code, statesOf(none.events), await files()]).toEqual([4, ["athena left", "agora failed"], ""]);
  const one = await role.run("role", "setup", "probe", "--host", both, "--max-fail", "1", "--json");
  expect([one.code, statesOf(one.events), await files()]).toEqual([4, ["athena changed", "agora failed"], "one "]);
  await lab.inside("systemctl start ssh.service", agora);
});

test("the search that ends each of these files finds a secret in a log, the journal, a unit and a state, plain or encoded, on a host that is off too", async () => {
  const value = "planted-canary-0815-planted";
  const canaries = new Canaries();
  canaries.addWithin([{ kind: "file", content: new Secret("planted", value) }]);
  const folder = mkdtempSync(join(tmpdir(), "olympus-leak-gate-"));
  const here = join(folder, "state");
  const base64 = Buffer.from(`user:${value}`).toString("base64");
  try {
    expect(await findSecrets(canaries, lab.machines, [folder])).toEqual([]);
    writeFileSync(here, JSON.stringify({ value }));
    const saved = "/var/lib/olympus/journal/saved/planted";
    await lab.inside(
      `echo ${base64} >/var/log/planted; logger -t planted ${value}; mkdir -p ${saved}; echo ${value} | tee ${saved}/x >/var/lib/olympus/x
printf '[Service]\\nEnvironment=TOKEN=${value}\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/bin/true\\n' >/run/systemd/system/planted.service
systemctl start planted; journalctl --sync`,
    );
    // A place that is meant to, by its whole path; and beside it.
    await lab.inside(
      `mkdir -p /run/olympus/runs/0815; echo ${value} | tee /run/olympus/runs/0815/out >/run/olympus/runs/0815/out2`,
    );
    await lab.inside(`mkdir -p ${saved}; echo ${base64} | tee ${saved}/x >/var/log/planted`, agora);
    await lab.lab.stop("agora");
    const found = await findSecrets(canaries, lab.machines, [folder]);
    const files = found.map((line) => line.replace(/shm\/tmp\.\w+/, "shm"));
    expect(files.map((line) => line.replace(/journal\/[^ ]+/, "journal/…")).sort()).toEqual(
      [
        "athena: /dev/shm/journal: planted",
        "athena: /dev/shm/units: planted",
        "athena: /run/olympus/runs/0815/out2: planted",
        "athena: /var/lib/olympus/x: planted",
        "athena: /var/log/journal/… planted",
        "athena: /var/log/planted: planted",
        `agora: ${join(lab.machines[agora]!.dir, "upper/var/log/planted")}: planted`,
        `this computer: ${here}: planted`,
      ].sort(),
    );
    // What cannot be looked at is no clean place.
    await expect(findSecrets(canaries, [], [join(folder, "gone")])).rejects.toThrow("ended with 3");
    for (const [program, code] of [
      ["journalctl", 1],
      ["journalctl", 0],
      ["systemctl", 1],
      ["systemctl", 0],
    ] as const) {
      await lab.inside(
        `printf '#!/bin/sh\nexit ${code}\n' >/run/${program}; chmod +x /run/${program}; mount --bind /run/${program} /usr/bin/${program}`,
      );
      await expect(findSecrets(canaries, [lab.machines[0]!], [folder])).rejects.toThrow("ended with 3");
      await lab.inside(`umount /usr/bin/${program}; rm /run/${program}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
    await lab.restart(agora);
  }
});
