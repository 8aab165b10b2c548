import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateSshKeyPair } from "../../secrets/ssh-keys.ts";
import { silentReporter } from "../../src/base/report.ts";
import { Secret } from "../../src/base/secret.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { connectSsh } from "../../src/ssh/connect.ts";
import type { SshTarget } from "../../src/ssh/connection.ts";
import { watchArguments } from "../support/argv-watcher.ts";
import { snapshotDifference, snapshotHost } from "../support/host-snapshot.ts";
import { startPublisher, whole } from "../support/publisher.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";
import { changedTeam } from "../support/team.ts";

// The role engine against real machines: systemd, sshd, apt, sudo. Numbers are those of the scenarios in the study of roles.
let lab: RoleLab;

beforeAll(async () => {
  lab = await openRoleLab(2);
});
afterAll(async () => lab.close());

const canary = "canary-4f1c9a77d2-not-to-be-seen";
const secret = new Secret("probe.token", canary);
const folder = mkdtempSync(join(tmpdir(), "olympus-roles-"));
afterAll(() => rmSync(folder, { recursive: true }));

const snapshot = (): Promise<string[]> => snapshotHost((script) => lab.inside(script));

const everything = (): Operation[] => {
  const content = "y".repeat(5_000);
  writeFileSync(join(folder, "big"), content);
  const hash = "3a1f6a7b";
  return [
    { kind: "package", id: "packages", names: ["jq"] },
    { kind: "group", id: "group", name: "probe", system: true },
    { kind: "user", id: "user", name: "probe", system: true, group: "probe", home: "/srv/probe" },
    { kind: "user", id: "person", name: "kim", shell: "/bin/sh", makeHome: true },
    { kind: "user", id: "login", name: "agent", groups: ["probe"] },
    { kind: "directory", id: "folder", path: "/srv/probe", mode: "0750", owner: "probe" },
    { kind: "file", id: "settings", path: "/srv/probe/settings", content: "a=1\nb='2'\n", restarts: ["probe.service"] },
    {
      kind: "file",
      id: "token",
      path: "/srv/probe/token",
      content: secret,
      owner: "probe",
      restarts: ["probe.service"],
    },
    { kind: "file", id: "motd", path: "/etc/motd", content: "changed by a role\n", mode: "0600" },
    { kind: "line", id: "line", path: "/etc/hosts", line: '10.0.0.1 $HOME `id` "quoted" \\n\'' },
    { kind: "line", id: "line-2", path: "/etc/hosts", line: "10.0.0.2 second" },
    { kind: "line", id: "issue", path: "/etc/issue", line: "replaced", match: "Debian" },
    { kind: "line", id: "new", path: "/etc/probe.conf", line: "only = line" },
    { kind: "link", id: "link", path: "/srv/current", target: "/srv/probe" },
    {
      kind: "archive",
      id: "archive",
      path: `/srv/archive-${hash}`,
      source: { localFolder: folder, hash: `test-${process.pid}` },
    },
    {
      kind: "unit",
      id: "unit",
      name: "probe.service",
      content: "[Service]\nUser=probe\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n",
      enabled: true,
      running: true,
    },
    { kind: "unit", id: "cron", name: "systemd-timesyncd.service", enabled: false },
    {
      kind: "command",
      id: "command",
      summary: "make a mark",
      check: "[ -s /srv/mark ]",
      apply: "wc -c >/srv/mark",
      undo: "rm -f /srv/mark",
      stdin: secret,
    },
    { kind: "wait", id: "wait", url: "tcp://127.0.0.1:22" },
  ];
};

const states = (result: { hosts: readonly { state: string }[] }): string[] => result.hosts.map(({ state }) => state);

describe("a role's life", () => {
  test("check changes nothing, setup does it, setup again changes nothing, reset gives everything back", async () => {
    await lab.inside("printf 'end without newline' >> /etc/hosts");
    const before = await snapshot();
    const own = () =>
      lab.inside(
        "ls -d /var/lib/olympus /run/olympus /var/backups/olympus 2>/dev/null; find /tmp /var/tmp /run/systemd/transient -printf '%p %y %s %T@\\n' | sort",
      );
    const unused = await own();
    const check = await lab.apply("check", everything());
    expect(check.errors).toEqual([]);
    expect(states(check)).toEqual(["pending"]);
    expect(snapshotDifference(before, await snapshot())).toEqual([]);
    // Nor has it made places of its own on a machine that it meets for the first time, or anything that is to be tidied up.
    expect([unused, await own()]).toEqual([expect.not.stringContaining("olympus"), unused]);

    const setup = await lab.apply("setup", everything());
    expect(setup.errors).toEqual([]);
    expect(setup.changed).toBeGreaterThan(14);
    expect(await lab.inside("cat /srv/probe/token; stat -c '%a %U %G' /srv/probe/token")).toBe(
      `${canary}600 probe probe\n`,
    );
    expect(await lab.inside("cat /srv/mark")).toBe(`${canary.length}\n`);
    expect(await lab.inside("tail -n 2 /etc/hosts | head -n 1")).toBe('10.0.0.1 $HOME `id` "quoted" \\n\'\n');
    expect(await lab.inside("systemctl is-active probe.service; id -nG agent")).toMatch(/^active\n.*\bprobe\b/);

    const again = await lab.apply("setup", everything());
    expect([again.changed, states(again), again.hosts[0]!.looked]).toEqual([0, ["as-wished"], everything().length]);

    const reset = await lab.apply("reset", {});
    expect(reset.errors).toEqual([]);
    expect(reset.changed).toBeGreaterThan(14);
    expect(snapshotDifference(before, await snapshot())).toEqual([]);
    const twice = await lab.apply("reset", {});
    expect([twice.changed, twice.errors]).toEqual([0, []]);
  });

  test("drift is found, shown as a diff, and mended", async () => {
    const operations = everything().filter(({ kind }) => kind !== "package");
    await lab.apply("setup", operations);
    await lab.inside(
      "echo c=3 >>/srv/probe/settings; chmod 666 /srv/probe/token; systemctl stop probe.service; rm /srv/current",
    );
    const check = await lab.apply("check", operations);
    const lines = check.hosts[0]!.lines.map(({ summary, diff }) => [summary, ...diff]);
    expect(lines).toEqual([
      ["/srv/probe/settings: change content", " a=1", " b='2'", "-c=3"],
      ["/srv/probe/token: mode 0666 -> 0600"],
      ["/srv/current: create link", "+/srv/probe"],
      ["probe.service: start"],
    ]);
    const mended = await lab.apply("setup", operations);
    expect([mended.changed, mended.errors]).toEqual([4, []]);
    expect(states(await lab.apply("check", operations))).toEqual(["as-wished"]);
  });

  test("a changed file restarts its unit once, after all changes", async () => {
    const operations = everything().filter(({ kind }) => kind !== "package");
    const changed = operations.map((one) =>
      one.kind === "file" && one.id === "settings" ? { ...one, content: "a=2\n" } : one,
    );
    const started = (): Promise<string> =>
      lab.inside("systemctl show -p ExecMainStartTimestampMonotonic probe.service");
    const before = await started();
    const result = await lab.apply("setup", changed);
    expect(result.errors).toEqual([]);
    expect(result.hosts[0]!.lines.map(({ summary }) => summary)).toContain("restart probe.service");
    expect(await started()).not.toBe(before);
    const now = await started();
    await lab.apply("setup", changed);
    expect(await started()).toBe(now);
  });

  test("what people put into our folders stays and is told; data stays until it is purged", async () => {
    const operations: Operation[] = [
      { kind: "directory", id: "ours", path: "/srv/ours" },
      { kind: "directory", id: "data", path: "/srv/data", data: "memory" },
    ];
    await lab.apply("setup", { base: operations });
    await lab.inside("echo mine >/srv/ours/theirs");
    const reset = await lab.apply("reset", { base: operations }, { roles: ["base"] });
    expect(reset.errors).toEqual([]);
    expect(reset.hosts[0]!.kept.join("\n")).toMatch(/\/srv\/data \(memory\)[\s\S]*\/srv\/ours \(1 entries/);
    expect(await lab.inside("cat /srv/ours/theirs; ls -d /srv/data")).toBe("mine\n/srv/data\n");
    const purge = await lab.apply("reset", { base: operations }, { roles: ["base"], purge: ["memory"] });
    expect(purge.errors).toEqual([]);
    expect(await lab.inside("ls /srv")).not.toContain("data");
    await lab.inside("rm -r /srv/ours");
  });

  test("what another role stands for stays until that is reset too", async () => {
    const shared: Operation = { kind: "directory", id: "shared", path: "/srv/shared" };
    const roles = { first: [shared], second: [shared] };
    await lab.apply("setup", roles);
    await lab.apply("reset", roles, { roles: ["first"] });
    expect(await lab.inside("ls -d /srv/shared")).toBe("/srv/shared\n");
    await lab.apply("reset", roles, { roles: ["second"] });
    expect(await lab.inside("ls /srv")).not.toContain("shared");
  });

  test("#47 #48 a secret is in no argument, no output, no log, no journal", async () => {
    await lab.apply("reset", {});
    const seen = await watchArguments([canary], [lab.machines[0]!.init.pid]);
    const failing: Operation = {
      kind: "command",
      id: "tells",
      summary: "tell a secret",
      check: "false",
      apply: "cat; exit 1",
      stdin: new Secret("ssh.deploy.private", canary),
    };
    lab.secrets.set("models.anthropic", canary);
    const operations = everything().filter(({ kind }) => kind !== "package");
    const result = await lab.apply("setup", { probe: operations, tells: [failing] });
    expect((await seen.stop()).found).toEqual([]);
    expect(result.errors[0]!.message).toContain("[secret:models.anthropic]");
    expect(JSON.stringify([result, result.errors.map(String)])).not.toContain(canary);
    const found = await lab.inside(`grep -rlF ${canary} /var/lib/olympus /run /var/log /etc || true`);
    // The output of a command that prints its secret is root's alone, in memory, and goes with the next runs.
    expect(
      found.split("\n").filter((path) => path !== "" && !/^\/run\/olympus\/runs\/[0-9a-f]+\/out$/.test(path)),
    ).toEqual([]);
    expect(await lab.inside(`journalctl --no-pager | grep -cF ${canary} || true`)).toBe("0\n");
    await lab.apply("reset", {});
  });
});

describe("from the catalogue", () => {
  test("base lets people in with their keys, admins with sudo, and out again", async () => {
    const { public: line, private: key } = generateSshKeyPair("mara@desk");
    const team = changedTeam(lab.team, (file) => {
      file.people = {
        mara: { email: "mara@example.org", keys: [line], admin: true, command: true, approve: [] },
        kim: { email: "kim@example.org", keys: [line], admin: false, command: false, approve: [] },
      };
    });
    const before = await snapshot();
    const setup = await lab.apply("setup", { base: "real" }, { team });
    expect(setup.errors).toEqual([]);
    const target = { ...(await targetOfFirst()), privateKey: new Secret("mara", key) };
    const say = async (user: string): Promise<string> => {
      const ssh = await connectSsh({ ...target, user });
      const { stdout } = await ssh.exec("whoami; sudo -n whoami 2>&1");
      ssh.close();
      return stdout;
    };
    expect(await say("mara")).toBe("mara\nroot\n");
    expect(await say("kim")).toMatch(/^kim\nsudo: a password is required/);
    expect((await lab.apply("setup", { base: "real" }, { team })).changed).toBe(0);
    expect((await lab.apply("reset", { base: "real" }, { team })).errors).toEqual([]);
    expect(snapshotDifference(before, await snapshot())).toEqual([]);
  });

  test("a database: role and password, kept by reset, deleted only when purged", async () => {
    const password = new Secret("postgresql.probe", "it's a 'quoted' pässword \\ $HOME");
    const operations = (secret: Secret): Operation[] => [
      { kind: "postgresql-role", id: "role", name: "probe", password: secret },
      { kind: "postgresql-database", id: "database", name: "probe", owner: "probe", data: "rows" },
    ];
    const roles = (secret: Secret) => ({ base: "real", postgresql: "real", probe: operations(secret) }) as const;
    const setup = await lab.apply("setup", roles(password));
    expect(setup.errors).toEqual([]);
    expect((await lab.apply("setup", roles(password))).changed).toBe(0);
    const login = (word: string): Promise<string> =>
      lab.inside(
        `PGPASSWORD=$(printf %s ${Buffer.from(word).toString("base64")} | base64 -d) psql -h 127.0.0.1 -U probe probe -Atc 'select current_user' 2>&1 || true`,
      );
    expect(await login(password.reveal())).toBe("probe\n");
    const other = new Secret("postgresql.probe", "another-password");
    expect((await lab.apply("setup", roles(other))).changed).toBe(1);
    expect(await login(password.reveal())).toContain("password authentication failed");
    expect(await login("another-password")).toBe("probe\n");

    const kept = await lab.apply("reset", roles(other), { roles: ["probe"] });
    expect([kept.errors, kept.hosts[0]!.kept.join("\n")]).toEqual([
      [],
      expect.stringContaining("database probe (rows)"),
    ]);
    expect(await login("another-password")).toBe("probe\n");
    expect((await lab.apply("setup", roles(other))).errors).toEqual([]);
    const purged = await lab.apply("reset", roles(other), { roles: ["probe"], purge: ["rows"] });
    expect(purged.errors).toEqual([]);
    expect(await login("another-password")).toContain("failed");
    const needed = await lab.apply("reset", roles(other), { roles: ["base"] });
    expect(needed.errors.map(({ code, exit }) => [code, exit])).toEqual([["E-ROLE-REQUIRES", 1]]);
    const all = await lab.apply("reset", roles(other), { purge: ["databases"] });
    expect(all.errors).toEqual([]);
    expect(await lab.inside("dpkg -l 'postgresql*' 2>/dev/null | grep '^ii' || true")).toBe("");
  });
});

describe("when things go wrong", () => {
  const slow = (mark: string, apply = `sleep 1.5; touch ${mark}`): Operation[] => [
    {
      kind: "command",
      id: "slow",
      summary: "take a while",
      check: `[ -f ${mark} ]`,
      apply,
      undo: `rm -f ${mark}`,
    },
    { kind: "file", id: "after", path: `${mark}.after`, content: "after\n" },
  ];

  /** A setup over a proxy, to which `during` is done once, when the first step has begun. */
  async function through(proxy: CuttingProxy, operations: Operation[], during: () => void) {
    const steps: string[] = [];
    let done = false;
    const result = await lab.apply("setup", operations, {
      who: "kim@laptop",
      connect(target, signal) {
        proxy.upstream = { host: target.address, port: target.port };
        return connectSsh({ ...target, address: "127.0.0.1", port: proxy.port, keepaliveMs: 200 }, signal);
      },
      progress(_, label) {
        steps.push(label);
        if (done || !label.includes("take a while")) return;
        done = true;
        during();
      },
    });
    expect(done).toBe(true);
    return { result, steps };
  }
  const again = "connection lost, taking up the run again";

  test("#16 cut while a command says nothing: the host goes on, the client takes it up again", async () => {
    await using proxy = await cuttingProxy();
    const { result, steps } = await through(proxy, slow("/srv/cut"), () => proxy.cut());
    expect([result.errors, steps.filter((label) => label === again)]).toEqual([[], [again]]);
    expect([result.changed, await lab.inside("cat /srv/cut.after")]).toEqual([2, "after\n"]);
    await lab.apply("reset", {});
  });

  test("#17 cut while a command prints: it is not ended by that, and nothing that it prints is lost", async () => {
    const print = "n=0; until [ $n = 120 ]; do n=$((n + 1)); echo of-many $n; sleep 0.01; done; touch /srv/printed";
    await using proxy = await cuttingProxy();
    const { result, steps } = await through(proxy, slow("/srv/printed", print), () => proxy.cut());
    expect([result.errors, steps.filter((label) => label === again)]).toEqual([[], [again]]);
    expect([result.changed, await lab.inside("cat /srv/printed.after")]).toEqual([2, "after\n"]);
    const newest = "/run/olympus/runs/$(cat /var/lib/olympus/journal/generation)/out";
    expect(await lab.inside(`grep -c '^of-many ' ${newest}; grep '^of-many ' ${newest} | tail -n 1`)).toBe(
      "120\nof-many 120\n",
    );
    await lab.apply("reset", {});
  });

  const held = (mark: string) => slow(mark, `until [ -f ${mark}.go ]; do sleep 0.1; done; mv ${mark}.go ${mark}`);

  test("#18 the link goes dead in the middle, without a word: noticed, and the run is taken up over a new connection", async () => {
    await using proxy = await cuttingProxy();
    const { result, steps } = await through(proxy, held("/srv/dead"), () => {
      proxy.silence();
      proxy.onConnection = () => void lab.inside("touch /srv/dead.go");
    });
    expect([result.errors, steps.filter((label) => label === again)]).toEqual([[], [again]]);
    expect([result.changed, await lab.inside("cat /srv/dead.after")]).toEqual([2, "after\n"]);
    await lab.apply("reset", {});
  });

  test("#18 the link goes dead and no new connection comes through: exit 4; the run goes on, the next one is told how it ended", async () => {
    await using proxy = await cuttingProxy();
    const { result, steps } = await through(proxy, held("/srv/dead"), () => {
      proxy.silence();
      proxy.refuse();
    });
    expect([result.errors.map(({ code, exit }) => [code, exit]), steps.includes(again)]).toEqual([
      [["E-SSH-REFUSED", 4]],
      true,
    ]);
    const reporter = silentReporter();
    const next = await lab.apply("setup", held("/srv/dead"), {
      ...{ who: "kim@laptop", reporter },
      progress: (_, label) => void (label.startsWith("joining role setup") && lab.inside("touch /srv/dead.go")),
    });
    expect([next.errors, states(next), reporter.lines.filter((line) => line.includes("before"))]).toEqual([
      [],
      ["as-wished"],
      [expect.stringMatching(/the run before \(role setup all by kim@laptop, begun \d+ s ago\) ended well/)],
    ]);
    expect(await lab.inside("cat /srv/dead.after")).toBe("after\n");
    await lab.apply("reset", {});
  });

  test("#23 the client is killed: the next run joins what is still running, and finds it done", async () => {
    const held = slow("/srv/killed", "until [ -f /srv/killed.go ]; do sleep 0.1; done; mv /srv/killed.go /srv/killed");
    await killedClient(held);
    const stranger = await lab.apply("setup", held, { who: "alex@desk" });
    expect(stranger.errors.map(({ code, exit }) => [code, exit])).toEqual([["E-LOCKED", 75]]);
    expect(stranger.errors[0]!.message).toMatch(/locked by kim@laptop for \d+ s: role setup/);
    const steps: string[] = [];
    const reporter = silentReporter();
    const next = lab.apply("setup", held, {
      ...{ who: "kim@laptop", reporter, progress: (_: string, label: string) => void steps.push(label) },
    });
    await expect.poll(() => steps.join("\n")).toContain("joining role setup probe");
    await lab.inside("touch /srv/killed.go");
    const result = await next;
    expect(result.errors).toEqual([]);
    expect(states(result)).toEqual(["as-wished"]);
    expect(reporter.lines.join("\n")).toMatch(
      /the run before \(role setup probe by kim@laptop, begun \d+ s ago\) ended well/,
    );
    expect(await lab.inside("cat /srv/killed.after")).toBe("after\n");
    await lab.apply("reset", {});
  });

  test("#23 the client is killed, and the step fails: the next run tells of it, with the cause, and goes on", async () => {
    const apply = `if [ -f /srv/broken.go ]; then touch /srv/broken; exit 0; fi
      touch /srv/broken.waits; until [ -f /srv/broken.go ]; do sleep 0.1; done; echo 'no valve ${canary}'; exit 1`;
    const failing = slow("/srv/broken", apply);
    const cause =
      /^warning: athena: the run before \(role setup probe by kim@laptop, begun \d+ s ago\) failed at: probe: take a while\nno valve \[secret:models.anthropic\]$/;
    lab.secrets.set("models.anthropic", canary);
    /** What is told, as warnings, by a run of whom. */
    const warned = async (action: "setup" | "check", who: string, progress?: (host: string, label: string) => void) => {
      const reporter = silentReporter();
      expect((await lab.apply(action, failing, { who, reporter, ...(progress && { progress }) })).errors).toEqual([]);
      return reporter.lines.filter((line) => line.startsWith("warning: "));
    };

    /** A step is told of before it looks whether it may go on at once. */
    const killedWhileItWaits = async () => {
      await killedClient(failing);
      await lab.inside('timeout 60 sh -c "until [ -e /srv/broken.waits ]; do sleep 0.1; done"');
    };

    // Seen to its end by the next run of the same person.
    await killedWhileItWaits();
    const joins = Promise.withResolvers<void>();
    const next = warned("setup", "kim@laptop", (_, label) => void (label.startsWith("joining") && joins.resolve()));
    await joins.promise;
    await lab.inside("touch /srv/broken.go");
    expect(await next).toEqual([expect.stringMatching(cause)]);
    expect(await lab.inside("cat /srv/broken.after")).toBe("after\n");
    expect(await warned("check", "kim@laptop")).toEqual([]);

    // Over before anybody came. A check writes nothing on the host, so the setup tells it as well.
    await lab.inside("rm /srv/broken*");
    await killedWhileItWaits();
    await lab.inside(
      "touch /srv/broken.go; timeout 60 sh -c \"while systemctl -q is-active 'olympus-apply-*'; do sleep 0.1; done\"",
    );
    expect(await warned("check", "alex@desk")).toEqual([expect.stringMatching(cause)]);
    expect(await warned("setup", "alex@desk")).toEqual([expect.stringMatching(cause)]);
    expect(await warned("setup", "kim@laptop")).toEqual([]);

    // Whose client was there knows.
    await lab.inside("rm /srv/broken");
    const fails: Operation = { kind: "command", id: "fails", summary: "fail", check: "false", apply: "exit 1" };
    expect((await lab.apply("setup", [fails])).errors).toHaveLength(1);
    expect(await warned("check", "alex@desk")).toEqual([]);
    await lab.inside("rm /srv/broken*");
    await lab.apply("reset", {});
  });

  test("a run that was killed on the host is resumed, with the restarts it owed; reset after a kill gives everything back", async () => {
    const unit: Operation = {
      kind: "unit",
      id: "unit",
      name: "owed.service",
      content: "[Service]\nExecStart=/bin/sleep infinity\n",
      running: true,
    };
    await lab.apply("setup", [unit]);
    const before = await lab.inside("systemctl show -p ExecMainStartTimestampMonotonic owed.service");
    const operations: Operation[] = [
      unit,
      { kind: "file", id: "settings", path: "/srv/owed", content: "1\n", restarts: ["owed.service"] },
      {
        kind: "command",
        id: "hang",
        summary: "hang",
        check: "[ -f /srv/hung ]",
        apply: "touch /srv/hung; kill -9 $$; sleep 30",
        undo: "rm -f /srv/hung",
      },
    ];
    const killed = await lab.apply("setup", operations);
    expect(killed.errors.map(({ code }) => code)).toEqual(["E-ROLE-APPLY"]);
    // What was sent, secrets among it, does not wait for another run to go.
    await expect.poll(() => lab.inside("cd /run/olympus/runs; ls -d */f */apply.sh || echo none")).toBe("none\n");
    const resumed = await lab.apply("setup", operations);
    expect(resumed.errors).toEqual([]);
    expect(resumed.hosts[0]!.lines.map(({ summary }) => summary)).toEqual(["restart owed.service"]);
    expect(await lab.inside("systemctl show -p ExecMainStartTimestampMonotonic owed.service")).not.toBe(before);
    const reset = await lab.apply("reset", {});
    expect(reset.errors).toEqual([]);
    expect(await lab.inside("ls /srv /etc/systemd/system")).not.toMatch(/owed|hung/);
  });

  test("#14 too little room: refused with both numbers, nothing half-made", async () => {
    await lab.inside("mkdir -p /srv/small && mount -t tmpfs -o size=1m tmpfs /srv/small");
    writeFileSync(join(folder, "noise"), Buffer.alloc(3_000_000, 7));
    const source = { localFolder: folder, hash: `full-${process.pid}` };
    const refused = await lab.apply("setup", [{ kind: "archive", id: "big", path: "/srv/small/big-1", source }]);
    expect(refused.errors.map(({ code }) => code)).toEqual(["E-ROLE-SPACE"]);
    expect(refused.errors[0]!.message).toMatch(/no space for \/srv\/small\/big-1: \d MB needed, 2 MB free/);
    const content = "z".repeat(3_000_000);
    const large = await lab.apply("setup", [{ kind: "file", id: "big", path: "/srv/small/big", content }]);
    expect(large.errors.map(({ code, exit }) => [code, exit])).toEqual([["E-ROLE-SPACE", 2]]);
    expect(large.errors[0]!.message).toBe("no space for /srv/small/big: 3 MB needed, 2 MB free.");
    const command = { check: "[ -f /srv/small/big ]", apply: "head -c 3000000 /dev/zero >/srv/small/big" };
    const unforeseen = await lab.apply("setup", [{ kind: "command", id: "big", summary: "make it", ...command }]);
    expect(unforeseen.errors.map(({ code, exit }) => [code, exit])).toEqual([["E-ROLE-SPACE", 2]]);
    expect(await lab.inside("rm /srv/small/big; ls -A /srv/small")).toBe("");
    await lab.inside("umount /srv/small");
    await lab.apply("reset", {});
  });

  test("#14 a download that does not fit: told with both numbers, by curl and by wget, before or while it comes", async () => {
    const body = randomBytes(3_000_000);
    await using publisher = await startPublisher(lab.lab.hostAddress);
    publisher.routes.set("/told", [whole(body)]);
    publisher.routes.set("/untold", [(_, response) => void response.write(body, () => response.end())]);
    await lab.inside(`set -e; apt-get -q update; apt-get -qy install --no-install-recommends curl wget
      mkdir -p /var/lib/olympus/journal/blobs; mount -t tmpfs -o size=1m tmpfs /var/lib/olympus/journal/blobs`);
    const sha256 = createHash("sha256").update(body).digest("hex");
    const fetched = async (path: string) => {
      const url = `${publisher.url}/${path}`;
      const { errors } = await lab.apply("setup", [{ kind: "download", id: "big", path: "/srv/big", url, sha256 }]);
      return errors.map(({ code, exit, message }) => [code, exit, message.split("\n")[1]]);
    };
    const words = (path: string, need = "") => [
      "E-ROLE-SPACE",
      2,
      expect.stringMatching(
        `^no space left in /var/lib/olympus/journal/blobs for http://\\S+/${path}: ${need}10\\d\\d kB free$`,
      ),
    ];
    expect(await fetched("told")).toEqual([words("told", "3001 kB needed, ")]);
    expect(await fetched("untold")).toEqual([words("untold")]);
    await lab.inside("mv /usr/bin/curl /srv/curl");
    expect(await fetched("told")).toEqual([words("told")]);
    expect(
      await lab.inside("mv /srv/curl /usr/bin/curl; ls /var/lib/olympus/journal/blobs; ls -d /srv/big || echo none"),
    ).toBe("none\n");
    expect(publisher.requests).toHaveLength(3);
    await lab.inside("umount /var/lib/olympus/journal/blobs");
    await lab.apply("reset", {});
  });

  test("#14 the disk fills up while files are on their way: exit 2 with both numbers, nothing of them stays, nothing was begun", async () => {
    const blobs = "/var/lib/olympus/journal/blobs";
    const sources = mkdtempSync(join(folder, "sent-"));
    writeFileSync(join(sources, "noise"), randomBytes(3_000_000));
    const source = { localFolder: sources, hash: `sent-${process.pid}` };
    const operations: Operation[] = [
      { kind: "file", id: "before", path: "/srv/before", content: "1\n" },
      { kind: "archive", id: "big", path: "/srv/sent-1", source },
    ];
    await lab.inside(`mkdir -p ${blobs}; mount -t tmpfs -o size=8m tmpfs ${blobs}`);
    const generation = "cat /var/lib/olympus/journal/generation 2>/dev/null || echo none";
    const before = await lab.inside(generation);
    const full = await lab.apply("setup", operations, {
      async connect(target, signal) {
        const ssh = await connectSsh(target, signal);
        return {
          ...ssh,
          async exec(command, options) {
            // The facts were taken: what is sent would fit.
            if (options?.stdin instanceof Readable) await lab.inside(`head -c 7M /dev/zero >${blobs}/filler`);
            return ssh.exec(command, options);
          },
        };
      },
    });
    expect(
      full.errors.map(({ code, exit }) => [code, exit]),
      full.errors[0]!.message,
    ).toEqual([["E-ROLE-SPACE", 2]]);
    expect(full.errors[0]!.message).toBe(
      "no space left while files were sent to /var/lib/olympus/journal: 4 MB needed, 2 MB free.",
    );
    expect(await lab.inside(`ls ${blobs}; ls /srv | grep -E 'sent|before' || echo none`)).toBe("filler\nnone\n");
    expect(await lab.inside(`${generation}; ls -d /run/olympus/runs/*/f || echo none`)).toBe(`${before}none\n`);
    await lab.inside(`rm ${blobs}/filler`);
    const again = await lab.apply("setup", operations);
    expect([again.errors, again.changed]).toEqual([[], 2]);
    await lab.inside(`umount ${blobs}`);
    expect((await lab.apply("reset", {})).errors).toEqual([]);
  });

  test("#14 the journal's disk is full: nothing is begun that could not be noted; full by the end, the run has failed, and the next one mends it", async () => {
    const journal = "/var/lib/olympus/journal";
    const fill = `head -c 9M /dev/zero >${journal}/filler 2>/dev/null || : full`;
    const makes = (name: string, apply: string): Operation[] => [
      {
        kind: "command",
        id: name,
        summary: `make ${name}`,
        check: `[ -e /srv/${name} ]`,
        apply,
        undo: `rm -f /srv/${name}`,
      },
    ];
    const claims = `cat ${journal}/claims/probe 2>/dev/null || echo none`;
    await lab.inside(`mkdir -p ${journal}; mount -t tmpfs -o size=1m,mode=700 tmpfs ${journal}; ${fill}`);
    const refused = await lab.apply("setup", makes("noted", "touch /srv/noted"));
    expect(refused.errors.map(({ code, exit }) => [code, exit])).toEqual([["E-ROLE-SPACE", 2]]);
    expect(await lab.inside("ls /srv | grep noted || echo none")).toBe("none\n");
    await lab.inside(`rm ${journal}/filler`);
    const late = await lab.apply("setup", makes("noted", `touch /srv/noted; ${fill}`));
    expect(late.errors.map(({ code, exit }) => [code, exit])).toEqual([["E-ROLE-SPACE", 2]]);
    expect(late.errors[0]!.message).toContain("failed at: journal");
    expect(await lab.inside(`ls /srv | grep noted; ${claims}`)).toBe("noted\nnone\n");
    await lab.inside(`rm ${journal}/filler`);
    const again = await lab.apply("setup", makes("noted", "touch /srv/noted"));
    expect([again.errors, again.changed]).toEqual([[], 0]);
    expect(await lab.inside(claims)).toContain("noted");
    expect((await lab.apply("reset", {})).errors).toEqual([]);
    expect(await lab.inside(`umount ${journal}; ls /srv | grep noted || echo none`)).toBe("none\n");
  });

  test("#14 no inodes left, though bytes are free: refused before anything is sent; a check still shows the plan", async () => {
    await lab.inside("mkdir -p /srv/full && mount -t tmpfs -o nr_inodes=2 tmpfs /srv/full; touch /srv/full/one");
    const full: Operation[] = [
      { kind: "file", id: "before", path: "/srv/before", content: "1\n" },
      { kind: "file", id: "two", path: "/srv/full/two", content: "2\n" },
    ];
    expect((await lab.apply("check", full)).hosts[0]!.lines).toHaveLength(2);
    const refused = await lab.apply("setup", full);
    expect(refused.errors.map(({ code, exit }) => [code, exit])).toEqual([["E-ROLE-SPACE", 2]]);
    expect(refused.errors[0]!.message).toContain("no space for /srv/full/two: 1 inode needed, 0 free");
    expect(await lab.inside("ls /srv/full; ls /srv/before 2>/dev/null || echo nothing")).toBe("one\nnothing\n");
    await lab.inside("rm /srv/full/one");
    expect((await lab.apply("setup", full)).errors).toEqual([]);
    expect((await lab.apply("reset", {})).errors).toEqual([]);
    await lab.inside("umount /srv/full; rmdir /srv/full");
  });

  test("#3 another host key: exit 5, nothing was sent", async () => {
    const before = lab.secrets.require("hosts.athena.public").reveal();
    const name = lab.machines[0]!.name;
    lab.secrets.set(`hosts.${name}.public`, lab.machines[1]!.hostKey);
    const result = await lab.apply("setup", slow("/srv/never"));
    lab.secrets.set(`hosts.${name}.public`, before);
    expect(result.errors.map(({ code, exit }) => [code, exit])).toEqual([["E-HOSTKEY", 5]]);
    expect(await lab.inside("ls /srv")).not.toContain("never");
  });

  test("#8 sudo that wants a password, in whatever language: said before anything is changed, and taken from the secrets", async () => {
    await lab.apply("setup", [{ kind: "package", id: "locales", names: ["locales"] }]);
    await lab.inside(`set -e
localedef -i de_DE -f UTF-8 de_DE.UTF-8
# The machine's root has no translations.
cd /srv; apt-get -q download sudo; dpkg-deb --fsys-tarfile sudo_*.deb | tar -x -C / ./usr/share/locale/de; rm sudo_*.deb
cp -a /etc/environment /etc/environment.off; echo LANG=de_DE.UTF-8 >>/etc/environment
cp -a /etc/sudoers.d /etc/sudoers.off; rm /etc/sudoers.d/*; sed -i.bak '/^%sudo/d' /etc/sudoers
echo '%sudo ALL=(ALL) ALL' >/etc/sudoers.d/asks; echo agent:hunter2-of-agent | chpasswd`);
    const name = lab.machines[0]!.name;
    const ssh = await connectSsh({ ...(await targetOfFirst()), privateKey: lab.secrets.require("ssh.deploy.private") });
    const { stderr } = await ssh.exec("sudo -n true");
    ssh.close();
    expect(stderr).toContain("Passwort");
    const found = () => lab.inside("ls -d /srv/never* || true; find /var/lib/olympus /run/olympus -printf '%p %T@\\n'");
    const before = await found();
    const refused = await lab.apply("setup", slow("/srv/never"));
    lab.secrets.set(`sudo.${name}`, "hunter2-of-another");
    const wrong = await lab.apply("setup", slow("/srv/never"));
    const after = await found();
    lab.secrets.set(`sudo.${name}`, "hunter2-of-agent");
    const taken = await lab.apply("check", slow("/srv/never"));
    lab.secrets.delete(`sudo.${name}`);
    await lab.inside(
      "rm -r /etc/sudoers.d; mv /etc/sudoers.off /etc/sudoers.d; mv /etc/sudoers.bak /etc/sudoers; mv /etc/environment.off /etc/environment; usermod -p '*' agent",
    );
    for (const { errors } of [refused, wrong]) {
      expect(errors.map(({ code, exit }) => [code, exit])).toEqual([["E-ROLE-SUDO", 2]]);
      expect(errors[0]!.hint).toContain(`npx olympus secrets set sudo.${name}`);
    }
    expect(refused.errors[0]!.message).toContain("agent may not become root without a password");
    expect(wrong.errors[0]!.message).toContain(`cannot become root with the password in sudo.${name}`);
    expect(after).toBe(before);
    expect([taken.errors, taken.hosts[0]!.state]).toEqual([[], "pending"]);
    await lab.apply("reset", {});
  });

  test("#1 packets to one host are dropped: exit 4 within the time, with its address; the others are worked on, nothing is locked", async () => {
    const [first, second] = lab.machines;
    const [dropped, both] = [1, { hosts: [first!.name, second!.name] }];
    await lab.inside(
      "nft add table inet drops; nft 'add chain inet drops in { type filter hook input priority 0; }'; nft add rule inet drops in tcp dport 22 drop",
      dropped,
    );
    const result = await lab.apply("setup", slow("/srv/reached"), both);
    await lab.inside("nft delete table inet drops", dropped);
    expect(result.hosts.map(({ host, state }) => [host, state])).toEqual([
      [first!.name, "changed"],
      [second!.name, "failed"],
    ]);
    expect(result.errors).toMatchObject([{ code: "E-SSH-TIMEOUT", exit: 4, where: second!.name }]);
    expect(result.errors[0]!.message).toBe(`no answer on ${second!.address}:22 within 10 s.`);
    expect(result.hosts[1]!.ms).toBeLessThan(12_000);
    expect(await lab.inside("ls /run/olympus/owner 2>/dev/null || echo free", dropped)).toBe("free\n");
    const next = await lab.apply("setup", slow("/srv/reached"), both);
    expect([next.errors, states(next)]).toEqual([[], ["as-wished", "changed"]]);
    expect((await lab.apply("reset", {}, both)).errors).toEqual([]);
  });

  test("#51 one host is down: the others are worked on, the result names it", async () => {
    const names = lab.machines.map(({ name }) => name);
    await lab.lab.stop(names[1]!);
    const result = await lab.apply("setup", slow("/srv/one"), {
      hosts: names,
      connect: (target, signal) => connectSsh({ ...target, connectTimeoutMs: 20_000 }, signal),
    });
    expect(result.hosts.map(({ host, state }) => [host, state])).toEqual([
      [names[0], "changed"],
      [names[1], "failed"],
    ]);
    expect(result.errors[0]).toMatchObject({ exit: 4, where: names[1] });
    await lab.apply("reset", {});
  });

  test("what is restarted because something is no longer wished is waited for, too", async () => {
    // Answers two seconds after its start.
    const late =
      "use IO::Socket::INET; sleep 2; my $s = IO::Socket::INET->new(LocalPort => 7777, Listen => 5, ReuseAddr => 1); while (my $c = $s->accept) { close $c }";
    const restarts = ["late.service"];
    const settings: Operation = { kind: "file", id: "settings", path: "/srv/late", content: "1\n", restarts };
    const unit: Operation = {
      kind: "unit",
      id: "unit",
      name: "late.service",
      content: `[Service]\nExecStart=/usr/bin/perl -e '${late}'\n`,
      running: true,
    };
    const wait: Operation = { kind: "wait", id: "answers", url: "tcp://127.0.0.1:7777" };
    expect((await lab.apply("setup", [settings, unit, wait])).errors).toEqual([]);
    const less = await lab.apply("setup", [unit, wait]);
    expect([less.errors, less.changed]).toEqual([[], 1]);
    expect((await lab.apply("reset", {})).errors).toEqual([]);
  });

  test("a role whose apply does not make its check true fails as not idempotent", async () => {
    const never: Operation = { kind: "command", id: "never", summary: "never done", check: "false", apply: "true" };
    const result = await lab.apply("setup", [never]);
    expect(result.errors.map(({ code }) => code)).toEqual(["E-ROLE-NOT-IDEMPOTENT"]);
    expect(result.errors[0]!.message).toContain("never done");
  });
});

/** A client of the role engine is killed while the first step runs on the host. */
async function killedClient(operations: readonly Operation[]): Promise<void> {
  const child = spawn(process.execPath, [new URL("../support/role-client.ts", import.meta.url).pathname], {
    env: {
      ...process.env,
      ROLE_TARGET: JSON.stringify({
        ...(await targetOfFirst()),
        privateKey: lab.secrets.require("ssh.deploy.private").reveal(),
      }),
      ROLE_OPERATIONS: JSON.stringify(operations),
      ROLE_WHO: "kim@laptop",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise<void>((done, fail) => {
    child.stdout.on("data", (chunk: Buffer) => chunk.toString().includes("take a while") && done());
    child.once("exit", () => fail(new Error("the client ended before the step began")));
  });
  child.removeAllListeners("exit");
  child.kill("SIGKILL");
}

async function targetOfFirst(): Promise<Omit<SshTarget, "privateKey">> {
  const machine = lab.machines[0]!;
  return {
    name: machine.name,
    address: machine.address,
    port: 22,
    user: "agent",
    hostKey: machine.hostKey,
    pinnedIn: "test",
  };
}

interface CuttingProxy extends AsyncDisposable {
  readonly port: number;
  upstream: { host: string; port: number };
  /** Called for each connection that comes. */
  onConnection: () => void;
  /** Every connection ends, with a reset. */
  cut(): void;
  /** Connections of so far stay, and nothing comes through any more. */
  silence(): void;
  /** No new connections. */
  refuse(): void;
}

async function cuttingProxy(): Promise<CuttingProxy> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    const upstream = connect(proxy.upstream.port, proxy.upstream.host);
    for (const end of [socket, upstream]) {
      open.add(end);
      end.on("error", () => undefined).on("close", () => open.delete(end));
    }
    socket.pipe(upstream).pipe(socket);
    proxy.onConnection();
  }).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const proxy: CuttingProxy = {
    port: (server.address() as { port: number }).port,
    upstream: { host: "127.0.0.1", port: 0 },
    onConnection: () => undefined,
    cut() {
      for (const socket of open) socket.resetAndDestroy();
    },
    silence() {
      for (const socket of open) socket.unpipe().pause();
    },
    refuse() {
      server.close();
    },
    async [Symbol.asyncDispose]() {
      this.cut();
      if (server.listening) await new Promise((done) => server.close(done));
    },
  };
  return proxy;
}
