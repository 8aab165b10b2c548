import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Operation } from "../../src/converge/operations.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

// Packages that would ask a person. Numbers are those of the scenarios in the study of roles.
let lab: RoleLab;

/**
 * Two versions of a package with a configuration file, in a source of the machine's own; installing one tells what it was given. And one
 * that needs it, whose installation always fails.
 */
const source = `set -e; mkdir -p /srv/repo; cd /srv/repo; : >Packages
for v in 1 2; do
  d=$(mktemp -d); mkdir -p $d/DEBIAN $d/etc; chmod 755 $d
  echo "setting of version $v" >$d/etc/probe.conf; echo /etc/probe.conf >$d/DEBIAN/conffiles
  printf 'Package: probe\\nVersion: %s\\nArchitecture: all\\nMaintainer: probe\\nDescription: probe\\n' $v >$d/DEBIAN/control
  cat >$d/DEBIAN/postinst <<'X'
#!/bin/sh
echo "$DEBIAN_FRONTEND $NEEDRESTART_MODE $(tty || :)" >/run/probe
X
  chmod 755 $d/DEBIAN/postinst; dpkg-deb --root-owner-group -b $d probe_$v.deb >/dev/null; rm -r $d
  { dpkg-deb -f probe_$v.deb; echo "Filename: ./probe_$v.deb"; echo "Size: $(stat -c %s probe_$v.deb)"; echo "SHA256: $(sha256sum <probe_$v.deb | cut -d' ' -f1)"; echo; } >>Packages
done
d=$(mktemp -d); mkdir $d/DEBIAN; chmod 755 $d; printf '#!/bin/sh\nexit 1\n' >$d/DEBIAN/postinst; chmod 755 $d/DEBIAN/postinst
printf 'Package: broken\nVersion: 1\nArchitecture: all\nDepends: probe\nMaintainer: probe\nDescription: probe\n' >$d/DEBIAN/control
dpkg-deb --root-owner-group -b $d broken_1.deb >/dev/null; rm -r $d
{ dpkg-deb -f broken_1.deb; echo "Filename: ./broken_1.deb"; echo "Size: $(stat -c %s broken_1.deb)"; echo "SHA256: $(sha256sum <broken_1.deb | cut -d' ' -f1)"; echo; } >>Packages
echo 'deb [trusted=yes] file:/srv/repo ./' >/etc/apt/sources.list.d/probe.list; apt-get update -q >/dev/null`;

const probe = (version: string): Operation => ({
  kind: "package",
  id: "probe",
  names: ["probe"],
  versions: { probe: version },
});

beforeAll(async () => {
  lab = await openRoleLab(1);
  await lab.inside(source);
});
afterAll(async () => lab.close());

test("#11 nothing asks a person: needrestart is there, no terminal is, and both are told so past sudo", async () => {
  const result = await lab.apply("setup", [
    { kind: "package", id: "needrestart", names: ["needrestart"] },
    probe("1"),
  ] satisfies Operation[]);
  expect(result.errors).toEqual([]);
  expect(await lab.inside("cat /run/probe")).toBe("noninteractive a not a tty\n");
});

test("#11 the control: told nothing, needrestart asks on a terminal and waits; as the engine tells it, it is not in the way", async () => {
  // A daemon whose program was replaced since, as an update's library is; needrestart's own settings tell that it was run.
  await lab.inside(`set -e; cp /bin/sleep /usr/local/sbin/outdated
printf '[Service]\nExecStart=/usr/local/sbin/outdated infinity\n' >/etc/systemd/system/outdated.service
systemctl daemon-reload; systemctl start outdated
cp /bin/sleep /usr/local/sbin/new; mv /usr/local/sbin/new /usr/local/sbin/outdated
echo 'system("echo run >>/run/needrestart-ran"); 1;' >/etc/needrestart/conf.d/probe.conf`);
  const daemon = () => lab.inside("systemctl show -P MainPID outdated");
  const ran = () => lab.inside("cat /run/needrestart-ran 2>/dev/null || echo never");
  const pid = await daemon();
  const hello: Operation = { kind: "package", id: "hello", names: ["hello"] };
  const needrestart: Operation = { kind: "package", id: "needrestart", names: ["needrestart"] };
  expect((await lab.apply("setup", [needrestart, probe("1"), hello])).errors).toEqual([]);
  // Its hook came to the point where it would have run it.
  expect([await ran(), await lab.inside("ls /run/needrestart"), await daemon()]).toEqual([
    "never\n",
    "unpacked\n",
    pid,
  ]);

  await lab.inside(
    `systemd-run -q --collect --unit=by-hand -p Environment=DEBIAN_FRONTEND=readline script -qefc 'apt-get -q install -y --reinstall hello' /run/terminal`,
  );
  await expect
    .poll(() => lab.inside("cat /run/terminal"), { timeout: 60_000 })
    .toMatch(/outdated\.service[\s\S]*restarted\?/);
  // It waits for an answer, and nothing was restarted meanwhile.
  expect([await ran(), await lab.inside("systemctl is-active by-hand"), await daemon()]).toEqual([
    expect.stringMatching(/^run/),
    "active\n",
    pid,
  ]);
  await lab.inside(
    "systemctl kill -s KILL by-hand; systemctl stop outdated; rm -r /usr/local/sbin/outdated /etc/systemd/system/outdated.service /run/needrestart; dpkg --configure -a",
  );
});

test("#13 a configuration file that somebody edited outlives an upgrade; a role that wishes for it shows what changes", async () => {
  await lab.inside("echo 'edited by hand' >/etc/probe.conf");
  expect((await lab.apply("setup", [probe("2")])).errors).toEqual([]);
  expect(await lab.inside(`dpkg-query -W -f '\${Version}' probe; cat /etc/probe.conf`)).toBe("2edited by hand\n");
  const ours: Operation = { kind: "file", id: "conf", path: "/etc/probe.conf", content: "ours\n" };
  const check = await lab.apply("check", [probe("2"), ours]);
  expect(check.hosts[0]!.lines.flatMap(({ diff }) => diff ?? [])).toEqual(["-edited by hand", "+ours"]);
  expect((await lab.apply("setup", [probe("2"), ours])).errors).toEqual([]);
  expect(await lab.inside("cat /etc/probe.conf")).toBe("ours\n");
});

test("a package whose installation fails half-way goes with a reset, with what came along, though it can never be made whole", async () => {
  expect((await lab.apply("reset", {})).errors).toEqual([]);
  const states = () =>
    lab.inside(
      `dpkg-query -W -f '\${Package} \${db:Status-Status}\\n' broken probe 2>/dev/null | grep -v ' not-installed' || :`,
    );
  const failed = await lab.apply("setup", [{ kind: "package", id: "broken", names: ["broken"] }]);
  expect(failed.errors.map(({ code }) => code)).toEqual(["E-ROLE-APPLY"]);
  expect(await states()).toBe("broken half-configured\nprobe installed\n");
  expect((await lab.apply("reset", {})).errors).toEqual([]);
  expect([await states(), await lab.inside("dpkg --audit")]).toEqual(["", ""]);
});

test("what was changed does not answer: a rollback brings back the pinned version, the unit that ran, and the file, and keeps apt to that version", async () => {
  expect((await lab.apply("reset", {})).errors).toEqual([]);
  const operations = (version: string, port: number): Operation[] => [
    probe(version),
    { kind: "file", id: "settings", path: "/srv/settings", content: `of ${version}\n`, restarts: ["probe.service"] },
    {
      kind: "unit",
      id: "unit",
      name: "probe.service",
      content: `[Service]\nType=exec\nExecStartPre=/bin/cp /srv/settings /run/read\nExecStart=/bin/sleep 4${version}00\n`,
      running: true,
    },
    { kind: "wait", id: "answers", url: `tcp://127.0.0.1:${port}`, unit: "probe.service", timeout: 1 },
  ];
  const state = () =>
    lab.inside(`dpkg-query -W -f '\${Version}\n' probe; cat /srv/settings /run/read /etc/systemd/system/probe.service /etc/apt/preferences.d/olympus-probe
systemctl is-active probe.service; tr '\\0' ' ' </proc/$(systemctl show -P MainPID probe.service)/cmdline; apt-cache policy probe | sed -n 's/^ *Candidate: //p'`);
  expect((await lab.apply("setup", operations("1", 22))).errors).toEqual([]);
  const before = await state();
  expect(before).toMatch(/^1\nof 1\nof 1\n[\s\S]*\nactive\n.*sleep 4100 1\n$/);

  // Port 9 is closed.
  const failed = await lab.apply("setup", operations("2", 9));
  expect(failed.errors).toMatchObject([{ code: "E-ROLE-APPLY", hint: expect.stringContaining("role rollback") }]);
  expect(failed.errors[0]!.message).toContain("tcp://127.0.0.1:9 did not answer within 1 s");
  expect(await state()).toBe(
    before
      .replaceAll("of 1", "of 2")
      .replaceAll("4100", "4200")
      .replace(/^1\n/, "2\n")
      .replace("version 1", "version 2")
      .replace(/1\n$/, "2\n"),
  );

  expect((await lab.apply("rollback", {})).errors).toEqual([]);
  expect(await state()).toBe(before);
  expect((await lab.apply("check", operations("1", 22))).hosts[0]!.state).toBe("as-wished");
  expect((await lab.apply("reset", {})).errors).toEqual([]);
  expect(
    await lab.inside(
      "ls /srv/settings /etc/systemd/system/probe.service /etc/apt/preferences.d 2>/dev/null || :; dpkg -l probe | grep -c ^ii || :",
    ),
  ).toBe("/etc/apt/preferences.d:\n0\n");
});

describe("#34 a mirror that changes while it is asked", () => {
  const port = 8123;
  const flaky: Operation = { kind: "package", id: "flaky", names: ["flaky"] };
  // An index that changes within a second would be "not modified" to apt: each has a minute of its own.
  const functions = `cd /srv/site; rm -f /var/cache/apt/archives/flaky*
deb() { d=$(mktemp -d); mkdir $d/DEBIAN; chmod 755 $d; printf 'Package: flaky\\nVersion: %s\\nArchitecture: all\\nMaintainer: probe\\nDescription: probe\\n' $1 >$d/DEBIAN/control; dpkg-deb --root-owner-group -b $d flaky_$1.deb >/dev/null; rm -r $d; }
index() { { dpkg-deb -f flaky_$1.deb; echo "Filename: ./flaky_$1.deb"; echo "Size: $(stat -c %s flaky_$1.deb)"; echo "SHA256: $(sha256sum <flaky_$1.deb | cut -d' ' -f1)"; } >Packages; dated; }
other() { sed -i 's/^SHA256: ......../SHA256: 00000000/' Packages; dated; }
dated() { echo >>/srv/times; touch -d @$((1700000000 + $(wc -l </srv/times) * 60)) Packages; }`;
  const mirror = (script: string) => lab.inside(`set -e; ${functions}\n${script}`);
  /** How often the index was asked for. */
  const refreshed = async (): Promise<number> => Number(await lab.inside("grep -c 'GET /./InRelease' /srv/log || :"));
  const installed = () =>
    lab.inside(`dpkg-query -W -f '\${db:Status-Status} \${Version}' flaky 2>/dev/null || echo none`);

  beforeAll(async () => {
    await lab.inside(`mkdir /srv/site /srv/apt; mv /etc/apt/sources.list* /srv/apt/
echo 'Acquire::http::Proxy::127.0.0.1 "DIRECT";' >/etc/apt/apt.conf.d/99probe
echo 'deb [trusted=yes] http://127.0.0.1:${port} ./' >/etc/apt/sources.list
systemd-run -q --unit=mirror -p StandardError=append:/srv/log -p WorkingDirectory=/srv/site python3 -u -m http.server ${port} --bind 127.0.0.1
timeout 60 sh -c "until curl -s -o /dev/null http://127.0.0.1:${port}/; do sleep 0.1; done"`);
    await mirror("deb 1; index 1; apt-get -q update >/dev/null");
  });

  test("#34 the version is gone (404): the index is asked for once more, and the new one installed", async () => {
    await mirror("rm flaky_1.deb; deb 2; index 2");
    const before = await refreshed();
    expect((await lab.apply("setup", [flaky])).errors).toEqual([]);
    expect([await installed(), (await refreshed()) - before]).toEqual(["installed 2", 1]);
    expect((await lab.apply("reset", {})).errors).toEqual([]);
  });

  test("#34 what arrives is not what the index says (Hash Sum mismatch): the same, where the mirror has come to rest", async () => {
    await mirror("index 2; other; apt-get -q update >/dev/null; index 2");
    const before = await refreshed();
    expect((await lab.apply("setup", [flaky])).errors).toEqual([]);
    expect([await installed(), (await refreshed()) - before]).toEqual(["installed 2", 1]);
    expect((await lab.apply("reset", {})).errors).toEqual([]);
  });

  test.each([
    ["404", "rm flaky_2.deb"],
    ["Hash Sum mismatch", "deb 2; index 2; other"],
  ])("#34 where it stays so, the error has %s and the address, and nothing is half installed", async (why, script) => {
    await mirror(`${script}; apt-get -q update >/dev/null`);
    const before = await refreshed();
    const result = await lab.apply("setup", [flaky]);
    expect(result.errors.map(({ code, exit }) => [code, exit])).toEqual([["E-ROLE-APPLY", 2]]);
    expect(result.errors[0]!.message).toContain(`http://127.0.0.1:${port}/./flaky_2.deb`);
    expect(result.errors[0]!.message).toContain(why);
    expect([await installed(), (await refreshed()) - before]).toEqual(["none\n", 1]);
    expect(await lab.inside("dpkg --audit")).toBe("");
    expect((await lab.apply("reset", {})).errors).toEqual([]);
  });
});
