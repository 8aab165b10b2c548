import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectCatalogue } from "../../src/converge/catalogue.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { openRoleCommand, type RoleCommand } from "../support/role-command.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

// What people type after a run that did not end well: the commands that it offers, taken word by word.
let lab: RoleLab;
let role: RoleCommand;
const both = "athena,agora";

beforeAll(async () => {
  lab = await openRoleLab(2);
  role = await openRoleCommand(lab);
});
afterAll(async () => lab.close());

const file = (path: string, content: string): Operation => ({ kind: "file", id: path, path, content });
/** Fails until somebody allows it; the steps before it are done by then. */
const stops: Operation = {
  kind: "command",
  id: "stops",
  summary: "stop half-way",
  check: "[ -e /srv/passed ]",
  apply: "[ -e /srv/allow ] && mv /srv/allow /srv/passed",
  undo: "rm -f /srv/passed",
};
const hostsOf = (events: readonly Record<string, unknown>[]): unknown =>
  (events.find(({ type }) => type === "role") as { hosts: { host: string; state: string }[] }).hosts.map(
    ({ host, state }) => [host, state],
  );
/** What `status` says of athena's drift, as the last check found it. */
async function drift(): Promise<unknown> {
  const { events } = await role.run("status", "athena", "--json");
  const { hosts } = events.find(({ type }) => type === "status") as { hosts: { drift?: { pending: number } }[] };
  return hosts[0]?.drift?.pending;
}
/** The command after `what` among those that a run ended with, without `npx olympus --team <file>`. */
function offered(stderr: string, what: string): string[] {
  const [, command] = new RegExp(`^ +${what}: +npx olympus --team \\S+ (.+)$`, "m").exec(stderr) ?? [];
  if (command === undefined) throw new Error(`no "${what}" in:\n${stderr}`);
  return command.split(" ");
}

test("#51 one host fails, the other is done; @failed is that one alone, and afterwards nobody", async () => {
  await lab.inside("systemctl stop ssh.socket ssh.service 2>/dev/null || systemctl stop ssh.service", 1);
  role.wish([{ kind: "command", id: "fails", summary: "fail", check: "false", apply: "exit 1" }]);
  const worst = await role.run("role", "setup", "probe", "--host", both, "--json");
  const ends = worst.events.find(({ type }) => type === "role") as { exit: number; hosts: { error?: string }[] };
  // One did not answer (4), the other failed (2), which is worse.
  expect([worst.code, ends.exit, ends.hosts.map(({ error }) => error)]).toEqual([
    2,
    2,
    ["E-ROLE-APPLY", "E-SSH-REFUSED"],
  ]);
  role.wish([file("/srv/probe", "1\n")]);
  const first = await role.run("role", "setup", "probe", "--host", both, "--json");
  expect([first.code, hostsOf(first.events)]).toEqual([
    4,
    [
      ["athena", "changed"],
      ["agora", "failed"],
    ],
  ]);
  const text = await role.run("role", "setup", "probe", "--limit", "@failed");
  expect([text.code, offered(text.stderr, "why agora")]).toEqual([4, ["doctor", "agora"]]);
  expect(offered(text.stderr, "again for agora")).toEqual(["role", "setup", "probe", "--host", "agora"]);
  await lab.inside("systemctl start ssh.service", 1);
  const second = await role.run("role", "setup", "probe", "--limit", "@failed", "--json");
  expect([second.code, hostsOf(second.events)]).toEqual([0, [["agora", "changed"]]]);
  expect(await lab.inside("cat /srv/probe", 1)).toBe("1\n");
  const third = await role.run("role", "setup", "probe", "--limit", "@failed");
  expect([third.code, third.stderr]).toEqual([1, expect.stringContaining("No host failed")]);
});

test("a setup that stopped half-way offers to go on and to go back; both do", async () => {
  const state = () => lab.inside("cat /srv/one; ls /srv");
  role.wish([file("/srv/one", "1\n"), file("/srv/old", "old\n")]);
  expect((await role.run("role", "setup", "probe", "--host", "athena")).code).toBe(0);
  const before = await state();

  role.wish([
    file("/srv/one", "2\n"),
    file("/srv/old", "old\n"),
    file("/srv/two", "2\n"),
    stops,
    file("/srv/three", "3\n"),
  ]);
  const half = await role.run("role", "setup", "probe", "--host", "athena");
  expect([half.code, half.stderr]).toEqual([2, expect.stringContaining("stop half-way")]);
  expect(await state()).toBe("2\nold\none\ntwo\n");

  await lab.inside("touch /srv/allow");
  const on = await role.run(...offered(half.stderr, "go on with athena"));
  expect(on.code).toBe(0);
  expect(await state()).toBe("2\nold\none\npassed\nthree\ntwo\n");
  expect((await role.run("role", "check", "probe", "--host", "athena")).code).toBe(0);
  expect(await drift()).toBe(0);

  await lab.inside("rm /srv/passed");
  role.wish([file("/srv/one", "9\n"), file("/srv/nine", "9\n"), stops]);
  const again = await role.run("role", "setup", "probe", "--host", "athena");
  expect([again.code, await lab.inside("cat /srv/one; ls /srv/nine")]).toEqual([2, "9\n/srv/nine\n"]);
  const back = await role.run(...offered(again.stderr, "or take back what athena got"), "--yes");
  expect([back.code, back.stderr]).toEqual([0, expect.any(String)]);
  // What stood there before that run, which is what the one before it made; nothing that it no longer wished has gone.
  expect(await state()).toBe("2\nold\none\nthree\ntwo\n");
  expect((await role.run("role", "check", "probe", "--host", "athena")).code).toBe(3);
  expect(await drift()).toBeGreaterThan(0);

  expect((await role.run("role", "reset", "probe", "--host", "athena", "--yes")).code).toBe(0);
  expect([before, await lab.inside("ls /srv")]).toEqual(["1\nold\none\n", ""]);
});

test("role list: every role with its summary, the hosts that have it, and its data; the team's own too", async () => {
  const catalogue = projectCatalogue();
  const { code, stdout } = await role.run("role", "list");
  expect(code).toBe(0);
  // A role begins a line; what is told of it is indented.
  const blocks = stdout.trimEnd().split(/\n(?=\S)/);
  expect(blocks.map((block) => block.split(" ")[0])).toEqual([...catalogue.names(), "probe"]);
  for (const name of catalogue.names()) {
    const { summary, data = {} } = await catalogue.load(name);
    const [head, where, ...kinds] = blocks.find((block) => block.startsWith(`${name} `))!.split("\n");
    expect(head!.slice(name.length).trim()).toBe(summary);
    expect(where).toMatch(/^ +on (no host|\w)/);
    expect(kinds.map((line) => line.trim())).toEqual(
      Object.entries(data).map(([kind, what]) => `data ${kind}: ${what}`),
    );
  }
  expect(blocks.find((block) => block.startsWith("probe "))).toMatch(
    /for a test\n +on agora, athena$|on athena, agora$/,
  );
  const { events } = await role.run("role", "list", "--json");
  const { roles } = events.find(({ type }) => type === "roles") as { roles: { name: string; requires: unknown[] }[] };
  expect(roles.find(({ name }) => name === "mattermost")!.requires).toEqual(
    (await catalogue.load("mattermost")).requires,
  );
});

test("a check writes figures for Prometheus, and a host tells of everybody's runs", async () => {
  const folder = mkdtempSync(join(tmpdir(), "olympus-metrics-"));
  const metrics = join(folder, "olympus.prom");
  const drifted = () => readFileSync(metrics, "utf8").match(/^olympus_role_drift_operations\{.*$/gm);
  role.wish([file("/srv/measured", "1\n"), file("/srv/second", "2\n")]);
  expect((await role.run("role", "check", "probe", "--host", both, "--metrics", metrics)).code).toBe(3);
  expect(drifted()).toEqual([
    expect.stringMatching(/host="athena"\} 2$/),
    expect.stringMatching(/host="agora"\} [1-9]\d*$/),
  ]);
  expect(readFileSync(metrics, "utf8")).toMatch(/^olympus_role_last_exit_code\{.*\} 3$/m);
  expect((await role.run("role", "setup", "probe", "--host", "athena")).code).toBe(0);
  expect((await role.run("role", "check", "probe", "--host", "athena", "--metrics", metrics)).code).toBe(0);
  expect(drifted()).toEqual([expect.stringMatching(/host="athena"\} 0$/)]);
  expect(readFileSync(metrics, "utf8")).toMatch(/^olympus_role_last_success_timestamp_seconds\{.*"athena"\} \d{10}$/m);
  rmSync(folder, { recursive: true });

  role.wish([file("/srv/measured", "1\n"), file("/srv/second", "2\n"), { ...stops, apply: "exit 1" } as Operation]);
  expect((await role.run("role", "setup", "probe", "--host", "athena")).code).toBe(2);
  const { code, stdout, events } = await role.run("role", "history", "--host", "athena", "--lines", "2", "--json");
  expect(code).toBe(0);
  const { runs } = events.find(({ type }) => type === "role-history") as {
    runs: { what: string; who: string; changes: number; end: { code: number; step: string } }[];
  };
  expect([stdout.includes("athena"), runs.map(({ what }) => what)]).toEqual([
    true,
    ["role setup probe", "role setup probe"],
  ]);
  expect(runs.map(({ end }) => end.code)).toEqual([1, 0]);
  const text = (await role.run("role", "history", "--host", "athena", "--lines", "1")).stdout;
  expect(text).toMatch(/role setup probe +\d+ +\d+ s +\S+@\S+ +failed at: .*stop half-way/);
  expect((await role.run("role", "history", "--host", "nobody")).code).toBe(1);
  expect((await role.run("role", "reset", "probe", "--host", "athena", "--yes")).code).toBe(0);
});

test("a secret that stands in the open on a host is in no diff, however it is written there, nor is a line of one of several", async () => {
  const canary = "canary-77d2-of-a-diff";
  const encoded = Buffer.from(canary).toString("base64");
  const lines = lab.secrets.require("ssh.deploy.private").reveal().trim().split("\n");
  lab.secrets.set("models.anthropic", canary);
  await lab.secrets.save();
  await lab.inside(
    `printf 'token = %s\\nkey = %s\\n%s\\nplain = 1\\n' '${canary}' '${encoded}' '${lines[1]}' >/srv/open`,
  );
  role.wish([file("/srv/open", "plain = 2\n")]);
  const text = await role.run("role", "check", "probe", "--host", "athena");
  const told = await role.run("role", "check", "probe", "--host", "athena", "--json");
  const done = await role.run("role", "setup", "probe", "--host", "athena", "--json");
  lab.secrets.delete("models.anthropic");
  await lab.secrets.save();
  expect([text.code, told.code, done.code]).toEqual([3, 3, 0]);
  const diff = [
    "-token = [secret:models.anthropic]",
    "-key = [secret:models.anthropic]",
    "-[secret:ssh.deploy.private]",
    "-plain = 1",
    "+plain = 2",
  ];
  for (const { events } of [told, done]) {
    const { hosts } = events.find(({ type }) => type === "role") as { hosts: { lines: { diff: string[] }[] }[] };
    expect(hosts[0]!.lines.map((line) => line.diff)).toEqual([diff]);
  }
  for (const line of diff) expect(text.stdout).toContain(`      ${line}\n`);
  for (const { stdout, stderr } of [text, told, done]) {
    for (const hidden of [canary, encoded, lines[1]!]) expect(stdout + stderr).not.toContain(hidden);
  }
  expect((await role.run("role", "reset", "probe", "--host", "athena", "--yes")).code).toBe(0);
  expect(await lab.inside("head -n 1 /srv/open; rm /srv/open")).toBe(`token = ${canary}\n`);
});

test("a host whose journal is of a newer format is refused, whatever is asked for, and nothing on it changes", async () => {
  const journal = "/var/lib/olympus/journal";
  const state = () => lab.inside(`cd ${journal}; find . -type f -exec sha256sum {} + | sort; ls /srv; cat /srv/newer`);
  role.wish([file("/srv/newer", "1\n")]);
  expect((await role.run("role", "setup", "probe", "--host", "athena")).code).toBe(0);
  const format = await lab.inside(`cat ${journal}/format; echo 99 >${journal}/format`);
  const before = await state();
  role.wish([file("/srv/newer", "2\n")]);
  for (const words of [
    ["check", "probe"],
    ["setup", "probe"],
    ["reset", "probe", "--yes"],
    ["rollback", "--yes"],
    ["history"],
  ]) {
    const { code, stderr } = await role.run("role", ...words, "--host", "athena");
    expect([words[0], code, stderr]).toEqual([words[0], 2, expect.stringContaining("E-ROLE-JOURNAL")]);
    expect(stderr).toContain("the journal is of a newer format (99, known");
    expect(await state()).toBe(before);
  }
  await lab.inside(`printf %s '${format}' >${journal}/format`);
  expect((await role.run("role", "reset", "probe", "--host", "athena", "--yes")).code).toBe(0);
});
