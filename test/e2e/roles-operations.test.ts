import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { generateSshKeyPair } from "../../secrets/ssh-keys.ts";
import { Secret } from "../../src/base/secret.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { connectSsh } from "../../src/ssh/connect.ts";
import { operationExamples, operationOf, wantsMore } from "../support/documented-operations.ts";
import { snapshotDifference, snapshotHost } from "../support/host-snapshot.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

// Kinds of operations on what the system keeps in order, for real: made, not made twice, mended, taken back.
let lab: RoleLab;
let version: string;
const mara = generateSshKeyPair("mara@desk");
const kim = generateSshKeyPair("kim@laptop");

beforeAll(async () => {
  lab = await openRoleLab();
  await lab.inside("apt-get -q update");
  version = (await lab.inside("apt-cache policy jq | sed -n 's/.*Candidate: //p'")).trim();
  // What people had there before.
  await lab.inside(`
    printf 'a = 1\\nend without newline' >/etc/theirs.conf
    mkdir -p -m 700 /home/agent/.ssh && printf '%s\\n' '${kim.public} of old' >>/home/agent/.ssh/authorized_keys
    chown -R agent: /home/agent/.ssh; chmod 600 /home/agent/.ssh/authorized_keys
    useradd -m pat
    printf 'tmpfs /mnt/before tmpfs size=1m 0 0\\n' >>/etc/fstab; mkdir /mnt/before; mount /mnt/before; systemctl daemon-reload
  `);
});
afterAll(async () => lab.close());

const operations = (): Operation[] => [
  { kind: "package", id: "pinned", names: ["jq"], versions: { jq: version } },
  { kind: "package", id: "held", names: ["cron"], hold: true },
  { kind: "block", id: "block", path: "/etc/theirs.conf", name: "probe", content: "b = $HOME\nc = `id` \\n 'x'\n" },
  { kind: "block", id: "block-new", path: "/etc/ours.conf", name: "one", content: "x", comment: ";" },
  { kind: "authorized-keys", id: "keys", user: "agent", keys: [mara.public, kim.public] },
  { kind: "authorized-keys", id: "keys-pat", user: "pat", keys: [mara.public], only: true },
  {
    kind: "unit",
    id: "unit",
    name: "probe.service",
    content: "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n",
    enabled: true,
    running: true,
  },
  {
    kind: "drop-in",
    id: "drop-in",
    unit: "cron.service",
    content: "[Service]\nEnvironment=PROBE=yes\n",
    restarts: ["cron.service"],
  },
  {
    kind: "timer",
    id: "timer",
    name: "probe-clock",
    calendar: "daily",
    run: "/bin/sh -c 'id -un >/run/ticked'",
    delay: 60,
  },
  {
    kind: "sysctl",
    id: "sysctl",
    name: "probe",
    settings: { "net.ipv4.conf.all.log_martians": 1, "-net.no.such": 1, "kernel.kptr_restrict": 2 },
  },
  { kind: "mount", id: "mount", path: "/mnt/probe", source: "tmpfs", type: "tmpfs", options: ["size=2m", "nofail"] },
  { kind: "mount", id: "remount", path: "/mnt/before", source: "tmpfs", type: "tmpfs", options: ["size=3m"] },
  { kind: "file", id: "checked", path: "/etc/checked.conf", content: "good\n", validate: 'grep -qx good "$1"' },
  {
    kind: "firewall-rule",
    id: "rule",
    name: "probe",
    chain: "in",
    protocol: "tcp",
    ports: [80, 443],
    peers: ["10.0.0.0/8"],
  },
];

test("made, as wished, and not made twice", async () => {
  const before = await snapshotHost((script) => lab.inside(script));
  const setup = await lab.apply("setup", operations());
  expect(setup.errors).toEqual([]);

  expect(await lab.inside(`dpkg-query -W -f '\${Version}' jq; echo; apt-mark showhold`)).toBe(`${version}\ncron\n`);
  expect(await lab.inside("apt-cache policy jq")).toContain("1001");
  expect(await lab.inside("cat /etc/theirs.conf; echo --; cat /etc/ours.conf")).toBe(
    "a = 1\nend without newline\n# BEGIN olympus probe\nb = $HOME\nc = `id` \\n 'x'\n# END olympus probe\n--\n; BEGIN olympus one\nx\n; END olympus one\n",
  );
  const target = {
    name: "athena",
    address: lab.machines[0]!.address,
    port: 22,
    hostKey: lab.machines[0]!.hostKey,
    pinnedIn: "this test",
  };
  for (const [user, pair] of [
    ["agent", mara],
    ["agent", kim],
    ["pat", mara],
  ] as const) {
    const ssh = await connectSsh({ ...target, user, privateKey: new Secret("key", pair.private) });
    expect((await ssh.exec("id -un")).stdout).toBe(`${user}\n`);
    ssh.close();
  }
  expect(await lab.inside("tr '\\0' '\\n' </proc/$(systemctl show --value -p MainPID cron)/environ")).toContain(
    "PROBE=yes",
  );
  await lab.inside("systemctl start probe-clock.service");
  expect(
    await lab.inside("cat /run/ticked; systemctl is-enabled probe-clock.timer; systemctl is-active probe-clock.timer"),
  ).toBe("root\nenabled\nactive\n");
  expect(await lab.inside("cat /proc/sys/net/ipv4/conf/all/log_martians")).toBe("1\n");
  expect(await lab.inside("findmnt -no FSTYPE,SIZE /mnt/probe; findmnt -no SIZE /mnt/before")).toMatch(
    /^tmpfs\s+2M\n\s*3M\n$/,
  );
  expect(await lab.inside("cat /etc/checked.conf /etc/olympus/firewall.d/probe.nft")).toBe(
    'good\nadd rule inet olympus in ip saddr { 10.0.0.0/8 } meta l4proto tcp ct original proto-dst { 80, 443 } accept comment "probe"\n',
  );

  const again = await lab.apply("setup", operations());
  expect([again.changed, again.errors, again.hosts[0]!.looked]).toEqual([0, [], operations().length]);

  await lab.inside(`
    apt-mark unhold cron; sed -i 's/^b = .*/b = other/' /etc/theirs.conf; sed -i /mara/d /home/agent/.ssh/authorized_keys
    echo x >>/home/pat/.ssh/authorized_keys; rm /etc/systemd/system/cron.service.d/olympus.conf; systemctl daemon-reload
    systemctl stop probe-clock.timer; echo 0 >/proc/sys/net/ipv4/conf/all/log_martians; umount /mnt/probe
    rm /etc/olympus/firewall.d/probe.nft /etc/apt/preferences.d/olympus-jq
  `);
  const drift = await lab.apply("check", operations());
  expect(drift.hosts[0]!.lines.map(({ summary }) => summary)).toEqual([
    "/etc/apt/preferences.d/olympus-jq: create",
    "hold cron",
    "/etc/theirs.conf: change the lines probe",
    "agent: keys that may log in",
    "pat: keys that may log in",
    "cron.service: settings /etc/systemd/system/cron.service.d/olympus.conf: create",
    "probe-clock.timer: start",
    "kernel settings probe",
    "/mnt/probe: mount",
    "firewall rule probe: let through",
    "restart cron.service",
  ]);
  const mended = await lab.apply("setup", operations());
  expect(mended.errors).toEqual([]);
  expect((await lab.apply("check", operations())).hosts[0]!.state).toBe("as-wished");

  const reset = await lab.apply("reset", {});
  expect(reset.errors).toEqual([]);
  expect(snapshotDifference(before, await snapshotHost((script) => lab.inside(script)))).toEqual([]);
  expect(
    await lab.inside("cat /proc/sys/net/ipv4/conf/all/log_martians; findmnt -no SIZE /mnt/before; apt-mark showhold"),
  ).toMatch(/^0\n\s*1M\n$/);
  expect(await lab.inside("mountpoint -q /mnt/probe || echo none; systemctl show -p Environment cron")).toBe(
    "none\nEnvironment=\n",
  );
});

test("what is no longer wished goes: a key, a kernel setting, a block", async () => {
  const keys = (list: string[]): Operation => ({ kind: "authorized-keys", id: "keys", user: "pat", keys: list });
  const sysctl = (settings: Record<string, number>): Operation => ({
    kind: "sysctl",
    id: "s",
    name: "probe",
    settings,
  });
  const both: Operation[] = [
    keys([mara.public, kim.public]),
    sysctl({ "net.ipv4.conf.all.log_martians": 1, "net.ipv4.ip_forward": 1 }),
    { kind: "block", id: "block", path: "/etc/theirs.conf", name: "probe", content: "b\n" },
  ];
  expect((await lab.apply("setup", both)).errors).toEqual([]);
  const fewer = [keys([kim.public]), sysctl({ "net.ipv4.ip_forward": 1 })];
  expect((await lab.apply("setup", fewer)).errors).toEqual([]);
  expect(await lab.inside("cat /home/pat/.ssh/authorized_keys /etc/theirs.conf")).toBe(
    `${kim.public}\na = 1\nend without newline`,
  );
  expect(await lab.inside("cat /proc/sys/net/ipv4/conf/all/log_martians /proc/sys/net/ipv4/ip_forward")).toBe("0\n1\n");
  expect((await lab.apply("reset", {})).errors).toEqual([]);
});

test("#28 content that its own check refuses never goes live; a version that no source has changes nothing", async () => {
  const checked = (content: string): Operation[] => [
    {
      kind: "file",
      id: "checked",
      path: "/etc/checked.conf",
      content,
      validate: 'grep -qx good "$1" || { echo "line 1: bad"; exit 1; }',
    },
  ];
  await lab.apply("setup", checked("good\n"));
  const refused = await lab.apply("setup", checked("bad\n"));
  expect(refused.errors[0]).toMatchObject({ code: "E-ROLE-APPLY", exit: 2 });
  expect(refused.errors[0]!.message).toMatch(/line 1: bad[\s\S]*its own check refuses it/);
  expect(await lab.inside("cat /etc/checked.conf")).toBe("good\n");

  const no = await lab.apply("setup", [{ kind: "package", id: "p", names: ["jq"], versions: { jq: "0.0.1-no" } }]);
  expect(no.errors[0]!.message).toContain("0.0.1-no");
  expect(await lab.inside("command -v jq || echo none")).toBe("none\n");
  await lab.apply("reset", {});
});

/** Logins before what belongs to them. */
const early = ["group", "user"];

test("the examples of the page, as they stand there: made, not made twice, taken back", async () => {
  const folder = mkdtempSync(join(tmpdir(), "olympus-example-"));
  writeFileSync(join(folder, "program"), "x");
  const left = { localFolder: folder, hash: "3a1f6a7b" };
  /** What no page can know, or leaves open. */
  const filled = (text: string): string =>
    text
      .replace("1.6-2.1", version)
      .replace("linux-image-amd64", "cron")
      .replace("<hash>", left.hash)
      .replace("[Service]\\n…", "[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n")
      .replace("ssh-ed25519 AAAA… x@desk", mara.public.trim())
      .replace("http://127.0.0.1:8065/ping", "tcp://127.0.0.1:22");
  const all = operationExamples()
    // roles-programs.test.ts makes the others.
    .filter(([kind]) => !wantsMore(kind))
    .map(([, text]) => operationOf(filled(text), left))
    .sort((one, other) => early.indexOf(other.kind) - early.indexOf(one.kind));
  expect(all.length).toBeGreaterThan(18);
  await lab.inside("mkdir -p /opt/x /home/x");
  const before = await snapshotHost((script) => lab.inside(script));
  // A file as a whole and a block in it are no neighbours.
  for (const examples of [all.filter(({ kind }) => kind !== "block"), all.filter(({ kind }) => kind === "block")]) {
    const setup = await lab.apply("setup", examples);
    expect(setup.errors).toEqual([]);
    expect((await lab.apply("check", examples)).hosts[0]!.state).toBe("as-wished");
    expect((await lab.apply("reset", {})).errors).toEqual([]);
  }
  expect(snapshotDifference(before, await snapshotHost((script) => lab.inside(script)))).toEqual([]);
  rmSync(folder, { recursive: true });
});
