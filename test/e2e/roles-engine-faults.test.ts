import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentReporter } from "../../src/base/report.ts";
import { Secret } from "../../src/base/secret.ts";
import { createHostRun } from "../../src/converge/host-run.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { connectSsh } from "../../src/ssh/connect.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

// What hosts do to a run: hang, boot, restart, be busy. Numbers are those of the scenarios in the study of roles.
let lab: RoleLab;
const stepsOf = () => {
  const seen: string[] = [];
  return {
    seen,
    progress: (_: string, label: string, ended?: unknown) => void (ended === undefined && seen.push(label)),
  };
};
const codes = (result: { errors: readonly { code: string; exit: number }[] }) =>
  result.errors.map(({ code, exit }) => [code, exit]);
const file = (path: string, content = "1\n"): Operation => ({ kind: "file", id: path, path, content });

beforeAll(async () => {
  lab = await openRoleLab(1);
});
afterAll(async () => lab.close());

test("#2 #25 a host that does not answer fails at once; waited for it is set up; past the time it is told where its console is", async () => {
  await lab.inside("systemctl stop ssh.socket ssh.service 2>/dev/null || systemctl stop ssh.service");
  const at = await lab.apply("check", [file("/srv/boot")]);
  expect(codes(at)).toEqual([["E-SSH-REFUSED", 4]]);
  const late = await lab.apply("check", [file("/srv/boot")], { bootTimeout: 1 });
  expect(codes(late)).toEqual([["E-ROLE-BOOT", 4]]);
  expect(late.errors[0]!.hint).toMatch(/on \S+: virsh -c qemu:\/\/\/system console \S+\.athena/);
  const { seen, progress } = stepsOf();
  const waiting = lab.apply("setup", [file("/srv/boot")], { bootTimeout: 300, progress });
  await expect
    .poll(() => seen.some((label) => label.startsWith("waiting for it to boot")), { timeout: 60_000 })
    .toBe(true);
  await lab.inside("systemctl start ssh.service");
  expect((await waiting).errors).toEqual([]);
});

test("#24 the machine restarts in the middle: waited for, looked at again, gone on with, and what was owed is done", async () => {
  const unit: Operation = {
    kind: "unit",
    id: "unit",
    name: "probe.service",
    content: "[Service]\nExecStart=/bin/sleep infinity\n",
    running: true,
  };
  await lab.apply("setup", [unit]);
  const started = () => lab.inside("systemctl show -p ExecMainStartTimestampMonotonic probe.service");
  const before = await started();
  const operations: Operation[] = [
    unit,
    { ...file("/srv/settings"), restarts: ["probe.service"] } as Operation,
    {
      kind: "command",
      id: "restart",
      summary: "restart the machine",
      check: "[ -f /srv/once ]",
      // What a restart looks like from outside: memory is empty, connections are cut, the run is gone.
      apply: "touch /srv/once; rm -rf /run/olympus; pkill -KILL -x sshd; exit 1",
      undo: "rm -f /srv/once",
    },
    file("/srv/after"),
  ];
  const { seen, progress } = stepsOf();
  const result = await lab.apply("setup", operations, { bootTimeout: 120, progress });
  expect(result.errors).toEqual([]);
  expect(seen).toContain("the machine restarted, going on");
  expect(seen.filter((label) => label.includes("/srv/settings"))).toHaveLength(1);
  expect(await started()).not.toBe(before);
  expect(await lab.inside("cat /srv/after")).toBe("1\n");
  expect((await lab.apply("reset", {})).errors).toEqual([]);
});

test("#24 the power goes in the middle: nothing runs any more, the machine starts again, and the setup goes on by itself", async () => {
  const cut: Operation = {
    kind: "command",
    id: "cut",
    summary: "take long",
    check: "[ -f /srv/once ]",
    apply: "touch /srv/once; sleep 4141",
    undo: "rm -f /srv/once",
  };
  const boot = () => lab.inside("systemctl show -P UserspaceTimestampMonotonic");
  const before = await boot();
  const { seen, progress } = stepsOf();
  const operations = [file("/srv/first"), cut, file("/srv/after")];
  const running = lab.apply("setup", operations, { bootTimeout: 300, progress });
  await expect.poll(() => lab.inside("ls /srv"), { timeout: 60_000 }).toContain("once");
  await lab.restart();
  expect((await running).errors).toEqual([]);
  expect(await boot()).not.toBe(before);
  expect(seen).toContain("the machine restarted, going on");
  expect(seen.filter((label) => label.includes("/srv/first"))).toHaveLength(1);
  expect(await lab.inside("cat /srv/after; pgrep -f 'sleep [4]141' || echo none")).toBe("1\nnone\n");
  expect((await lab.apply("setup", operations)).changed).toBe(0);
  expect((await lab.apply("reset", {})).errors).toEqual([]);
  expect(await lab.inside("ls /srv")).not.toMatch(/first|once|after/);
});

test("a rollback is of the newest run: half a setup goes, an older one stays, what took something away cannot be rolled back", async () => {
  const fails: Operation = { kind: "command", id: "fails", summary: "fail", check: "false", apply: "exit 1" };
  const there = async () => (await lab.inside("ls /srv | grep ^back || true")).trim().split("\n");
  const [one, two] = [file("/srv/back-1"), file("/srv/back-2")];
  const nothing = [["E-ROLE-ROLLBACK", 2]];
  expect((await lab.apply("setup", [one])).errors).toEqual([]);
  // Failed before it had changed anything.
  expect(codes(await lab.apply("setup", [one, fails]))).toEqual([["E-ROLE-APPLY", 2]]);
  expect(codes(await lab.apply("rollback", {}))).toEqual(nothing);
  expect(await there()).toEqual(["back-1"]);
  // Half-way.
  expect(codes(await lab.apply("setup", [one, two, fails]))).toEqual([["E-ROLE-APPLY", 2]]);
  expect(await there()).toEqual(["back-1", "back-2"]);
  const rolled = await lab.apply("rollback", {});
  expect([rolled.errors, rolled.changed]).toEqual([[], 1]);
  expect(codes(await lab.apply("rollback", {}))).toEqual(nothing);
  expect(await there()).toEqual(["back-1"]);
  // With a drop.
  expect((await lab.apply("setup", [two])).errors).toEqual([]);
  expect(codes(await lab.apply("rollback", {}))).toEqual(nothing);
  expect(await there()).toEqual(["back-2"]);
  expect((await lab.apply("reset", {})).errors).toEqual([]);
});

test("#31 cloud-init is waited for; its errors are told and stop a setup; what it took lightly is told", async () => {
  const status = (stage: object): string =>
    JSON.stringify({ v1: { datasource: "x", stage: null, init: { errors: [], ...stage } } });
  await lab.inside(
    `mkdir -p /run/cloud-init; printf %s '${status({})}' >/run/cloud-init/status.json; printf '#!/bin/sh\\nsleep 1; echo {} >/run/cloud-init/result.json\\n' >/usr/local/bin/cloud-init; chmod 755 /usr/local/bin/cloud-init`,
  );
  const { seen, progress } = stepsOf();
  expect((await lab.apply("check", [file("/srv/cloud")], { progress })).errors).toEqual([]);
  expect(seen).toContain("waiting for cloud-init");
  await lab.inside(`printf %s '${status({ errors: ["no disk found"] })}' >/run/cloud-init/status.json`);
  const failed = await lab.apply("setup", [file("/srv/cloud")]);
  expect(codes(failed)).toEqual([["E-ROLE-CLOUD-INIT", 2]]);
  expect(failed.errors[0]!.message).toContain("no disk found");
  await lab.inside(
    `printf %s '${status({ recoverable_errors: { WARNING: ["old key"] } })}' >/run/cloud-init/status.json`,
  );
  const reporter = silentReporter();
  expect((await lab.apply("check", [file("/srv/cloud")], { reporter })).errors).toEqual([]);
  expect(reporter.lines).toContain("warning: athena: cloud-init ended with errors that it took lightly: old key");
  // A machine that restarted has nothing of it to wait for, also once systemd was told to reload, which takes away cloud-init's own word.
  await lab.inside(
    ": >/run/olympus-seed-applied; rm /run/cloud-init/*; : >/run/cloud-init/enabled; printf '#!/bin/sh\nsleep inf\n' >/usr/local/bin/cloud-init",
  );
  const again = stepsOf();
  expect((await lab.apply("check", [file("/srv/cloud")], { progress: again.progress })).errors).toEqual([]);
  expect(again.seen).not.toContain("waiting for cloud-init");
  await lab.inside("rm -r /run/cloud-init /usr/local/bin/cloud-init /run/olympus-seed-applied");
});

/** The first machine, without the command's own bounds. */
function hostRun(bounds: { readonly lookSeconds?: number; readonly runSeconds?: number }) {
  const machine = lab.machines[0]!;
  return createHostRun({
    host: machine.name,
    connect: (signal) =>
      connectSsh(
        {
          name: machine.name,
          address: machine.address,
          port: 22,
          user: "agent",
          hostKey: machine.hostKey,
          pinnedIn: "test",
          privateKey: new Secret("ssh.deploy.private", lab.secrets.require("ssh.deploy.private").reveal()),
        },
        signal,
      ),
    who: "test",
    what: "test",
    signal: new AbortController().signal,
    onStep: () => undefined,
    ...bounds,
  });
}

test("#32 a clock that is hours off and cannot be set: exit 2 with the difference, nothing is begun; some seconds are told", async () => {
  const ahead = (seconds: number) =>
    lab.inside(`cat >/usr/bin/date <<'E'
#!/bin/sh
case "$*" in
  *-s*) exit 1 ;;
  +%s) echo $(($(/usr/bin/date.real +%s) + ${seconds})) ;;
  *) exec /usr/bin/date.real "$@" ;;
esac
E`);
  const setUp = async () => {
    const [reporter, { seen, progress }] = [silentReporter(), stepsOf()];
    const { errors } = await lab.apply("setup", [file("/srv/clock")], { reporter, progress });
    return { errors, steps: seen, warned: reporter.lines.filter((line) => line.startsWith("warning: ")) };
  };
  await lab.inside("cp -a /usr/bin/date /usr/bin/date.real");
  try {
    await ahead(7200);
    const off = await setUp();
    expect(codes(off)).toEqual([["E-ROLE-CLOCK", 2]]);
    const [, said] = /^the clock differs by -(\d+) s and cannot be set from here$/.exec(off.errors[0]!.message) ?? [];
    expect(Math.abs(Number(said) - 7200)).toBeLessThan(20);
    expect(off.warned).toEqual([expect.stringMatching(/^warning: athena: its clock is 7[12]\d\d s ahead of/)]);
    expect(off.steps.slice(-1)).toEqual(["clock"]);
    expect(await lab.inside("ls /srv/clock 2>/dev/null || echo none")).toBe("none\n");

    await ahead(20);
    const some = await setUp();
    expect([some.errors, some.steps]).toEqual([[], ["looking", "probe: /srv/clock: create", "journal"]]);
    expect(some.warned).toEqual([expect.stringMatching(/^warning: athena: its clock is (19|2\d) s ahead of/)]);
  } finally {
    await lab.inside("mv /usr/bin/date.real /usr/bin/date");
  }
  expect((await lab.apply("reset", {})).errors).toEqual([]);
});

test("a look that hangs ends by itself, and nothing of it stays on the host", async () => {
  const run = hostRun({ lookSeconds: 2 });
  const hang: Operation = { kind: "command", id: "hang", summary: "hang", check: "sleep 4242", apply: "true" };
  const failure = run.prepareSetup([{ role: "probe", operations: [hang] }]);
  await expect(failure).rejects.toMatchObject({ code: "E-ROLE-FACTS", exit: 2 });
  await expect(failure).rejects.toThrow("did not answer within 2 s");
  run.close();
  await expect.poll(() => lab.inside("pgrep -f 'sleep [4]242' || echo none"), { timeout: 60_000 }).toBe("none\n");
});

test("#21 a run that is stopped leaves no process behind; the next one begins again", async () => {
  const slow: Operation = {
    kind: "command",
    id: "slow",
    summary: "take long",
    check: "[ -f /srv/slow ]",
    apply: "if [ -f /srv/tried ]; then touch /srv/slow; else touch /srv/tried; sleep 4343; fi",
    undo: "rm -f /srv/slow /srv/tried",
  };
  const running = lab.apply("setup", [slow]);
  await expect.poll(() => lab.inside("pgrep -f 'sleep [4]343' || true"), { timeout: 60_000 }).not.toBe("");
  await lab.inside("systemctl stop 'olympus-apply-*'");
  expect(codes(await running)).toEqual([["E-ROLE-APPLY", 2]]);
  expect(await lab.inside("pgrep -f 'sleep [4]343' || echo none")).toBe("none\n");
  expect((await lab.apply("setup", [slow])).errors).toEqual([]);
});

test("#21 a run that takes too long is ended, and says so; nothing of it lives on; its step is taken up by the next one", async () => {
  const operations: Operation[] = [
    file("/srv/before"),
    {
      kind: "command",
      id: "endless",
      summary: "never end",
      check: "[ -f /srv/endless ]",
      apply:
        "if [ -f /srv/endless.on ]; then touch /srv/endless; else touch /srv/endless.on; sleep 4444 & sleep 4444; fi",
      undo: "rm -f /srv/endless /srv/endless.on",
    },
  ];
  await lab.apply("reset", {});
  const run = hostRun({ runSeconds: 2 });
  const { perform } = await run.prepareSetup([{ role: "probe", operations }]);
  await expect(perform()).rejects.toMatchObject({
    ...{ code: "E-ROLE-APPLY", exit: 2 },
    message: expect.stringMatching(/took longer than 2 s, and was ended at: probe: never end$/) as string,
  });
  run.close();
  expect(await lab.inside("pgrep -f 'sleep [4]444' || echo none; systemctl list-units -q 'olympus-*'")).toBe("none\n");
  const next = await lab.apply("setup", operations);
  expect([next.errors, next.changed]).toEqual([[], 1]);
  expect((await lab.apply("reset", {})).errors).toEqual([]);
});

test("#26 two at once: the second is told who, since when and what; or waits", async () => {
  const slow: Operation = {
    kind: "command",
    id: "hold",
    summary: "hold",
    check: "[ -f /srv/held ]",
    apply: "until [ -f /srv/go ]; do sleep 0.1; done; mv /srv/go /srv/held",
    undo: "rm -f /srv/held",
  };
  await lab.apply("reset", {});
  const { seen, progress } = stepsOf();
  const first = lab.apply("setup", [slow], { who: "kim@laptop", progress });
  await expect.poll(() => seen, { timeout: 60_000 }).toContain("probe: hold");
  const refused = await lab.apply("setup", [slow], { who: "alex@desk" });
  expect(codes(refused)).toEqual([["E-LOCKED", 75]]);
  expect(refused.errors[0]!.message).toMatch(/locked by kim@laptop for \d+ s: role setup/);
  const other = stepsOf();
  const second = lab.apply("setup", [slow], { who: "alex@desk", lockWait: 300, progress: other.progress });
  await expect.poll(() => other.seen.join("\n"), { timeout: 60_000 }).toContain("waiting for kim@laptop");
  await lab.inside("touch /srv/go");
  expect((await first).errors).toEqual([]);
  const result = await second;
  expect([result.errors, result.hosts[0]!.state]).toEqual([[], "as-wished"]);
});

test("a run of somebody else begins and ends while files are on their way: none of them is taken away, or taken for whole", async () => {
  await lab.apply("reset", {});
  const folder = mkdtempSync(join(tmpdir(), "olympus-sending-"));
  writeFileSync(join(folder, "noise"), randomBytes(3_000_000));
  const large: Operation[] = [
    file("/srv/small", "small\n"),
    {
      kind: "archive",
      id: "large",
      path: "/srv/large-1",
      source: { localFolder: folder, hash: `sending-${process.pid}` },
    },
  ];
  const [half, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const sent: number[] = [];
  async function* slowly(stream: AsyncIterable<Buffer>) {
    const at = sent.push(0) - 1;
    for await (const chunk of stream) {
      sent[at]! += chunk.length;
      yield chunk;
      if (at > 0 || sent[at]! < 1_000_000) continue;
      half.resolve();
      await go.promise;
    }
  }
  const sending = lab.apply("setup", large, {
    who: "kim@laptop",
    async connect(target, signal) {
      const ssh = await connectSsh(target, signal);
      return {
        ...ssh,
        exec(command, options) {
          const { stdin } = options ?? {};
          const slow = stdin instanceof Readable ? { stdin: Readable.from(slowly(stdin)) } : {};
          return ssh.exec(command, { ...options, ...slow });
        },
      };
    },
  });
  await half.promise;
  const blobs = "/var/lib/olympus/journal/blobs";
  await expect
    .poll(() => lab.inside(`find ${blobs}/*.up -type f -size +1k 2>/dev/null | wc -l`), { timeout: 60_000 })
    .toBe("1\n");
  const other = await lab.apply("setup", { other: [file("/srv/other")] }, { who: "alex@desk" });
  expect(other.errors).toEqual([]);
  expect(
    await lab.inside(
      `find ${blobs} -mindepth 1 -maxdepth 1 -type f | wc -l; ls ${blobs}/*.up | wc -l; ls -d /run/olympus/runs/*/f`,
    ),
  ).toMatch(/^0\n1\n\/run\/olympus\/runs\/[0-9a-f]+\/f\n$/);
  go.resolve();
  const { errors, changed } = await sending;
  rmSync(folder, { recursive: true });
  // It was planned before the other's run, so it is planned again; what had arrived is not sent again.
  expect([errors, changed, sent.length, sent[1]! < 1_000_000]).toEqual([[], 2, 2, true]);
  expect(await lab.inside(`stat -c %s /srv/large-1/noise; ls ${blobs}`)).toBe("3000000\n");
  expect((await lab.apply("reset", {})).errors).toEqual([]);
});

test("what lies on the host is no longer what was sent: refused before it is used, removed, and sent again by the next run", async () => {
  const folder = mkdtempSync(join(tmpdir(), "olympus-spoiled-"));
  const localPath = join(folder, "large");
  const content = randomBytes(100_000);
  writeFileSync(localPath, content);
  const sum = createHash("sha256").update(content).digest("hex");
  const blob = `/var/lib/olympus/journal/blobs/${sum}`;
  const spoils: Operation = {
    kind: "command",
    id: "spoils",
    summary: "spoil what was sent",
    check: "[ -e /srv/spoiled ]",
    apply: `echo more >>${blob}; touch /srv/spoiled`,
    undo: "rm -f /srv/spoiled",
  };
  const large: Operation = {
    kind: "file",
    id: "large",
    path: "/srv/large",
    content: { localPath, sha256: sum, size: content.length },
  };
  const there = () => lab.inside(`ls /srv/large ${blob} 2>/dev/null; sha256sum </srv/large 2>/dev/null || echo none`);
  const refused = await lab.apply("setup", [spoils, large]);
  expect(codes(refused)).toEqual([["E-ROLE-APPLY", 2]]);
  expect(refused.errors[0]!.message).toContain("at: probe: /srv/large: create");
  expect(refused.errors[0]!.message).toContain(`what arrived is not what was sent (${sum}): removed, run again`);
  expect(await there()).toBe("none\n");
  const { errors, changed } = await lab.apply("setup", [spoils, large]);
  rmSync(folder, { recursive: true });
  expect([errors, changed, await there()]).toEqual([[], 1, expect.stringContaining(sum)]);
  expect((await lab.apply("reset", {})).errors).toEqual([]);
});

test("#10 apt is held by somebody else: waited for, with who it is; what an interrupted installation left is ended first", async () => {
  const holder =
    'use Fcntl; open(F, ">>/var/lib/dpkg/lock-frontend"); my $lock = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0); fcntl(F, F_SETLK, $lock) or die; open(G, ">/srv/locked"); close(G); select(undef, undef, undef, 0.1) until -e "/srv/unlock";';
  await lab.inside(
    `rm -f /srv/unlock; setsid perl -e '${holder}' >/dev/null 2>&1 & timeout 60 sh -c "until [ -f /srv/locked ]; do sleep 0.1; done"`,
  );
  const { seen, progress } = stepsOf();
  const running = lab.apply("setup", [{ kind: "package", id: "tool", names: ["jq"] }], { progress });
  const told = () => seen.flatMap((label) => /^apt is held by \d+ perl -e .*, for (\d+) s$/.exec(label)?.[1] ?? []);
  await expect.poll(told, { timeout: 120_000 }).toHaveLength(2);
  await lab.inside("touch /srv/unlock");
  expect((await running).errors).toEqual([]);
  expect(told()).toEqual(["0", "10"]);

  // As after a power cut in the middle of an installation: apt itself refuses to go on.
  await lab.inside("dpkg -s jq | sed 's/^Status: .*/Status: install ok unpacked/' >/var/lib/dpkg/updates/0000");
  const more = await lab.apply("setup", [{ kind: "package", id: "tool", names: ["jq", "tree"] }]);
  expect(more.errors).toEqual([]);
  expect(await lab.inside("dpkg --audit; dpkg -s jq tree | sed -n 's/^Status: //p'")).toBe(
    "install ok installed\ninstall ok installed\n",
  );
});

test("#34 no mirror answers: tried again after new lists, then the error has the address", async () => {
  await lab.inside(
    "mkdir /srv/apt; mv /etc/apt/sources.list* /srv/apt/; echo 'deb http://127.0.0.1:9/debian bookworm main' >/etc/apt/sources.list",
  );
  const result = await lab.apply("setup", [{ kind: "package", id: "tool", names: ["sl"] }]);
  await lab.inside("rm /etc/apt/sources.list; mv /srv/apt/* /etc/apt/; rmdir /srv/apt");
  expect(codes(result)).toEqual([["E-ROLE-APPLY", 2]]);
  expect(result.errors[0]!.message).toContain("http://127.0.0.1:9/debian");
});

test("#33 names that nobody knows are told all at once, before anything is changed", async () => {
  const fetch = (name: string): Operation => ({
    kind: "download",
    id: name,
    path: `/srv/${name}`,
    url: `http://${name}.invalid/x`,
    sha256: "0".repeat(64),
  });
  const result = await lab.apply("setup", [file("/srv/before"), fetch("one"), fetch("two")]);
  expect(codes(result), result.errors[0]!.message).toEqual([["E-ROLE-DNS", 2]]);
  expect(result.errors[0]!.message).toContain("no address is known for: one.invalid two.invalid");
  expect(await lab.inside("ls /srv/before 2>/dev/null || echo none")).toBe("none\n");
});

test("#40 a reset where nothing was ever set up, and twice", async () => {
  expect((await lab.apply("reset", {})).errors).toEqual([]);
  const twice = await lab.apply("reset", {});
  expect([twice.changed, twice.errors]).toEqual([0, []]);
  await lab.inside("rm -rf /var/lib/olympus/journal");
  const never = await lab.apply("reset", {});
  expect([never.changed, never.errors]).toEqual([0, []]);
});
