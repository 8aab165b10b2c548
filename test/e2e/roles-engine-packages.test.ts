import { afterAll, beforeAll, expect, test } from "vitest";
import type { Operation } from "../../src/converge/operations.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

// Packages that would ask a person. Numbers are those of the scenarios in the study of roles.
let lab: RoleLab;

/** Two versions of a package with a configuration file, in a source of the machine's own; installing one tells what it was given. */
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
