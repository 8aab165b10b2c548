import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Operation } from "../../src/converge/operations.ts";
import { snapshotDifference, snapshotHost } from "../support/host-snapshot.ts";
import { openRoleLab, type RoleLab, type RoleTexts } from "../support/role-lab.ts";
import { changedTeam } from "../support/team.ts";

// Wishes that change between two setups, and what people do meanwhile: what goes is what is no longer wished, and nothing of theirs.
let lab: RoleLab;
let before: string[];

/** A source of the machine's own: `ours` brings `ours-part`, what apt counts as asked for; `theirs` recommends `theirs-too`. */
const source = `set -e; mkdir -p /srv/repo; cd /srv/repo
deb() {
  d=$(mktemp -d); mkdir $d/DEBIAN; chmod 755 $d
  printf 'Package: %s\\nSection: %s\\n%s\\nVersion: 1\\nArchitecture: all\\nMaintainer: probe\\nDescription: probe\\n' "$1" "$2" "$3" >$d/DEBIAN/control
  dpkg-deb --root-owner-group -b $d $1.deb >/dev/null; rm -r $d
  { dpkg-deb -f $1.deb; echo "Filename: ./$1.deb"; echo "Size: $(stat -c %s $1.deb)"; echo "SHA256: $(sha256sum <$1.deb | cut -d' ' -f1)"; echo; } >>Packages
}
deb ours metapackages 'Depends: ours-part'; deb ours-part misc 'Priority: optional'
deb theirs misc 'Recommends: theirs-too'; deb theirs-too misc 'Priority: optional'
echo 'deb [trusted=yes] file:/srv/repo ./' >/etc/apt/sources.list.d/probe.list; apt-get update -q >/dev/null`;

beforeAll(async () => {
  lab = await openRoleLab(1);
  await lab.inside(`${source}; groupadd first; groupadd second`);
});
afterAll(async () => lab?.close());

const snapshot = (): Promise<string[]> => snapshotHost((script) => lab.inside(script));
beforeEach(async () => {
  before = await snapshot();
});

async function setup(operations: readonly Operation[] | RoleTexts, team = lab.team): Promise<string[]> {
  const result = await lab.apply("setup", operations, { team });
  expect(result.errors).toEqual([]);
  expect((await lab.apply("setup", operations, { team })).changed).toBe(0);
  return result.hosts[0]!.lines.map(({ summary }) => summary);
}

/** Everything is as before, but for what people did. */
async function resetTo(theirs: readonly RegExp[] = []): Promise<void> {
  expect((await lab.apply("reset", {})).errors).toEqual([]);
  const left = snapshotDifference(before, await snapshot());
  expect(left.filter((line) => !theirs.some((one) => one.test(line)))).toEqual([]);
}

const packages = () => lab.inside(`dpkg-query -W -f '\${Package} \${db:Status-Status}\\n' | grep -E '^(ours|theirs)'`);
const away = (name: string) => lab.inside(`mv /srv/repo/${name}.deb /srv/${name}.deb`);
const back = (name: string) => lab.inside(`mv /srv/${name}.deb /srv/repo/${name}.deb`);

test("packages: what a person installed after a setup that failed is no part of a reset, nor what came along with it", async () => {
  const ours: Operation[] = [{ kind: "package", id: "ours", names: ["ours"] }];
  await away("ours-part");
  expect((await lab.apply("setup", ours)).errors.map(({ code }) => code)).toEqual(["E-ROLE-APPLY"]);
  await back("ours-part");
  await lab.inside("apt-get -q -y -o APT::Install-Recommends=true install theirs >/dev/null");
  await setup(ours);
  expect((await packages()).match(/^\S+ installed$/gm)).toHaveLength(4);
  expect((await lab.apply("reset", {})).errors).toEqual([]);
  expect(await packages()).toBe("theirs installed\ntheirs-too installed\n");
  await lab.inside("apt-get -q -y purge theirs theirs-too >/dev/null");
});

test("packages that two roles share go with the second one that is reset", async () => {
  const roles = {
    first: [{ kind: "package", id: "packages", names: ["ours", "theirs"] }],
    second: [{ kind: "package", id: "packages", names: ["ours"] }],
  } as const;
  await setup(roles);
  expect((await lab.apply("reset", roles, { roles: ["first"] })).errors).toEqual([]);
  expect(await packages()).toBe("ours installed\nours-part installed\n");
  expect((await lab.apply("reset", roles, { roles: ["second"] })).errors).toEqual([]);
  await resetTo();
});

test("packages: more of them may be held, and fewer", async () => {
  const held = (...names: string[]): Operation[] => [{ kind: "package", id: "held", names, hold: true }];
  await lab.inside("apt-mark hold bash >/dev/null");
  before = await snapshot();
  for (const names of [["cron", "bash"], ["cron", "bash", "dbus"], ["dbus"]]) {
    await setup(held(...names));
    expect(await lab.inside("apt-mark showhold")).toBe(
      [...new Set(["bash", ...names])]
        .sort()
        .map((name) => `${name}\n`)
        .join(""),
    );
  }
  await resetTo();
  expect(await lab.inside("apt-mark showhold; apt-mark unhold bash >/dev/null")).toBe("bash\n");
});

test("who is taken out of a group's members leaves it, while another role still stands for the user", async () => {
  const kim: Operation = { kind: "user", id: "kim", name: "kim", home: "/home/kim", makeHome: true };
  const roles = (groups: string[]): RoleTexts => ({
    people: [kim],
    members: groups.length === 0 ? [] : [{ kind: "user", id: "member", name: "kim", groups }],
  });
  await setup(roles(["first", "second"]));
  expect(await lab.inside("id -nG kim")).toBe("kim first second\n");
  expect(await setup(roles(["second"]))).toEqual(["no longer wished: user kim: out of first"]);
  expect(await lab.inside("id -nG kim")).toBe("kim second\n");
  expect(await setup(roles([]))).toEqual(["no longer wished: user kim: out of second"]);
  expect(await lab.inside("id -nG kim")).toBe("kim\n");
  await resetTo();
});

test("a login's key that was changed, then taken out of the team file, logs in no more", async () => {
  const keys = () => lab.inside("cat /home/agent/.ssh/authorized_keys");
  const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHbTpOzoAAgmW5hLdFV8dbGAKvLoGJqY5Yv6S9bIqJ0d";
  const withKey = (...lines: string[]) =>
    changedTeam(lab.team, (file) => {
      file.people = {
        agent: { email: "agent@example.org", keys: lines, admin: true, command: true, approve: [] },
      };
    });
  const first = await keys();
  await setup({ base: "real" }, withKey(`${key} agent@desk`));
  expect(await setup({ base: "real" }, withKey(`from="10.0.0.0/8" ${key} agent@desk`))).toEqual([
    "agent: keys that may log in",
  ]);
  expect(await keys()).toBe(`${first}from="10.0.0.0/8" ${key} agent@desk\n`);
  await setup({ base: "real" }, withKey());
  expect(await keys()).toBe(first);
  await resetTo();
});

test("a line that changed twice becomes what it was; lines that people wrote into the file stay", async () => {
  const lines = (text: string): Operation[] => [
    { kind: "line", id: "there", path: "/etc/issue", line: text, match: "Debian|^wish" },
    { kind: "line", id: "new", path: "/etc/probe.conf", line: `${text} = yes`, match: "^wish" },
  ];
  await setup(lines("wish 1"));
  expect(await setup(lines("wish 2"))).toEqual(["/etc/issue: change a line", "/etc/probe.conf: change a line"]);
  await setup(lines("wish 1"));
  await setup(lines("wish 3"));
  await lab.inside("echo theirs >>/etc/probe.conf; echo theirs >>/etc/issue");
  expect((await lab.apply("reset", {})).errors).toEqual([]);
  expect(await lab.inside("cat /etc/probe.conf; rm /etc/probe.conf; sed -i '/^theirs$/d' /etc/issue")).toBe("theirs\n");
  await resetTo();
  await setup(lines("wish 1"));
  await setup(lines("wish 2"));
  await setup([{ kind: "file", id: "other", path: "/etc/other", content: "" }]);
  await resetTo();
});

test("a file of which only mode and owner were changed has them again after a reset and a rollback; its content is whose it is", async () => {
  const file: Operation[] = [{ kind: "file", id: "file", path: "/etc/theirs.conf", content: "a = 1\n", mode: "0600" }];
  const state = () => lab.inside("stat -c '%a %U' /etc/theirs.conf; cat /etc/theirs.conf");
  await lab.inside("echo 'a = 1' >/etc/theirs.conf; chown games /etc/theirs.conf; chmod 640 /etc/theirs.conf");
  before = await snapshot();
  await setup(file);
  expect(await state()).toBe("600 root\na = 1\n");
  await lab.inside("chmod 666 /etc/theirs.conf");
  await setup(file);
  expect((await lab.apply("rollback", file)).errors).toEqual([]);
  expect(await state()).toBe("666 root\na = 1\n");
  await setup(file);
  await setup([{ ...file[0], content: "a = 2\n" } as Operation]);
  await resetTo();
  expect(await state()).toBe("640 games\na = 1\n");
  await setup(file);
  await lab.inside("rm /etc/theirs.conf");
  await resetTo([/theirs\.conf/]);
});
