/** Backups from one machine to another: made, verified, cut off, the data destroyed and brought back equal. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { backupAge, backupProblem, listBackups, runBackup, whichOpen } from "../../src/backup/backup.ts";
import { silentReporter } from "../../src/base/report.ts";
import { type ApplyRolesOptions, applyRoles } from "../../src/converge/run.ts";
import { type RotateContext, rotationOf, runRotation } from "../../src/rotate/index.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { snapshotDifference, snapshotHost } from "../support/host-snapshot.ts";
import { eventually } from "../support/olympus.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

let lab: RoleLab;
let team: LoadedTeam;
let ground: LoadedTeam;
let [source, store]: string[] = [];
let before: string[];

const inside = (script: string) => lab.inside(script);
const atStore = (script: string) => lab.inside(script, 1);
const sql = (query: string) => inside(`cd /; runuser -u postgres -- psql -AtX -d notes -c "${query}"`);
const context = () => ({ team, secrets: lab.secrets, signal: new AbortController().signal });

function withRoles(roles: Readonly<Record<string, LoadedTeam["machines"][number]["roles"]>>): LoadedTeam {
  return { ...lab.team, machines: lab.team.machines.map((machine) => ({ ...machine, roles: roles[machine.name]! })) };
}

function apply(action: ApplyRolesOptions["action"], of: LoadedTeam, options: Partial<ApplyRolesOptions> = {}) {
  const signal = new AbortController().signal;
  const hosts = of.machines.map(({ name }) => name);
  // The agent's role is played: a unit and a folder.
  const roles = of === ground ? {} : { roles: ["backup"] };
  return applyRoles({
    team: of,
    ...roles,
    secrets: lab.secrets,
    action,
    hosts,
    reporter: silentReporter(),
    signal,
    ...options,
  });
}

/** Everything that is to come back, as text. */
const data = () =>
  inside(`cd /; runuser -u postgres -- pg_dump notes | grep -v '^.restrict\\|^.unrestrict'
cd /srv/notes; find . -type d -printf '%p %m %u\\n' | sort; find . -type f ! -name '*-wal' ! -name '*-shm' ! -name memory.sqlite ! -name 'it*' -printf '%p %m %u\\n' -exec sha256sum {} + | sort; stat -c '%a %U' memory.sqlite; sqlite3 memory.sqlite 'select * from words'`);

/** Takes away what restoring set aside. */
const leftBeside = `rm -rf /srv/notes.before-* /srv/olympus/agent.before-*; cd /; for one in $(runuser -u postgres -- psql -AtXc "select datname from pg_database where datname like 'notes-before%'"); do runuser -u postgres -- dropdb $one; done`;

beforeAll(async () => {
  lab = await openRoleLab(2);
  [source, store] = lab.machines.map(({ name }) => name);
  const backup = { to: store, databases: ["notes"], folders: ["/srv/notes"], schedule: "*-*-* 03:00" };
  ground = withRoles({ [source!]: { base: {}, postgresql: {} }, [store!]: { base: {} } });
  team = withRoles({ [source!]: { base: {}, postgresql: {}, agent: {}, backup }, [store!]: { base: {}, backup: {} } });
  expect((await apply("setup", ground)).errors).toEqual([]);
  await inside(`set -e; cd /
runuser -u postgres -- psql -Xq -c 'create role kim login' -c 'create database notes owner kim'
runuser -u postgres -- psql -Xq -d notes -c 'create table lines as select n, md5(n::text) as word from generate_series(1, 2000) n' -c 'alter table lines owner to kim'
mkdir -p /srv/notes/deep; head -c 300000 /dev/urandom >/srv/notes/deep/photo; echo text >/srv/notes/'a name with spaces'; chmod 640 /srv/notes/deep/photo; chown -R agent: /srv/notes
mkdir -p /srv/olympus/agent; echo memory >/srv/olympus/agent/memory
printf '#!/bin/sh\necho "$1 $(ls -d /srv/notes.before-* 2>/dev/null | wc -l)" >>/run/agent.log\n' >/usr/local/bin/played-agent; chmod +x /usr/local/bin/played-agent
printf '[Service]\nExecStartPre=/usr/local/bin/played-agent start\nExecStart=sleep infinity\nExecStopPost=/usr/local/bin/played-agent stop\nRestart=always\nRestartSec=600\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/olympus-agent.service
systemctl -q enable --now olympus-agent`);
  before = await snapshotHost(inside);
});
afterAll(async () => lab?.close());

test("it refuses to send backups to nowhere, to itself, or to a host that does not keep any", async () => {
  for (const to of [undefined, source, "nobody"]) {
    const wrong = withRoles({ [source!]: { base: {}, backup: { ...(to && { to }) } }, [store!]: { base: {} } });
    const { errors } = await apply("check", wrong, { hosts: [source!] });
    expect(errors.map(({ code, exit }) => [code, exit])).toEqual([["E-BACKUP-ROLE", 1]]);
  }
});

test("set up on both, it makes a backup that only keys open, and verifies it", async () => {
  const setup = await apply("setup", team);
  expect(setup.errors).toEqual([]);
  const again = await apply("setup", team);
  expect([again.errors, again.changed]).toEqual([[], 0]);
  expect(backupProblem(await backupAge(context(), source!), 2, Date.now())).toBe("no backup was made yet");
  // While it is written to, with words that are only in the write-ahead log.
  await inside(
    "cd /srv/notes; sqlite3 memory.sqlite 'pragma journal_mode=wal; create table words(word); insert into words values (1)' && chown agent: memory.sqlite",
  );
  // Whoever owns the folder names what is in it, and may have broken files among their work.
  await inside(
    `cd /srv/notes; mkdir work; sqlite3 "work/it's.db" 'create table t(x)'; printf 'SQLite format 3\\0broken' >work/broken.db; head -c 5000 /dev/zero >>work/broken.db; chown -R agent: . ; chmod 750 work`,
  );
  const name = await runBackup(context(), source!, "now");
  expect(await runBackup(context(), source!, "verify")).toBe(name);
  expect((await listBackups(context(), source!)).map((one) => one.name)).toEqual([name]);
  expect(
    await atStore(`head -c 21 /srv/olympus/backups/${source}/${name}; stat -c ' %a %U' /srv/olympus/backups/${source}`),
  ).toBe("age-encryption.org/v1 700 olympus-backup\n");
  const age = await backupAge(context(), source!);
  expect(backupProblem(age, 2, Date.now())).toBeUndefined();
  expect(backupProblem(age, 2, Date.now() + 3 * 86_400_000)).toMatch(/last verified backup is 3\.0 days old/);
  expect(await inside("systemctl is-enabled olympus-backup.timer; systemctl is-active olympus-backup.timer")).toBe(
    "enabled\nactive\n",
  );
});

test("data that was destroyed comes back equal; what stood in its place is set aside", async () => {
  const whole = await data();
  await inside(
    "cd /; rm -rf /srv/notes; mkdir /srv/notes; echo other >/srv/notes/other; runuser -u postgres -- psql -Xq -d notes -c 'drop table lines'",
  );
  await runBackup(context(), source!, "restore", "latest");
  expect(await data()).toBe(whole);
  expect(await sql("select count(*) from lines")).toBe("2000\n");
  expect(await inside("cat /srv/notes.before-*/other")).toBe("other\n");
  // A host that lost everything has its keys again by a setup.
  await inside(`rm -rf /etc/olympus/secrets/backup-*; ${leftBeside}`);
  expect((await apply("setup", team, { hosts: [source!] })).errors).toEqual([]);
  await runBackup(context(), source!, "verify");
});

test("what uses the data is stopped while it is put back, and runs again; also where nothing could be changed", async () => {
  const log = async () =>
    (await inside("cat /run/agent.log; : >/run/agent.log; systemctl is-active olympus-agent || true"))
      .split("\n")
      .slice(0, -1);
  const restore = () => runBackup(context(), source!, "restore", "latest");
  await inside(": >/run/agent.log");
  await restore();
  // Each with how much had been set aside by then.
  expect(await log()).toEqual(["stop 0", "start 1", "active"]);

  const whole = await data();
  await inside("cd /; systemd-run -q --collect --unit=reader --uid=postgres psql -d notes -c 'select pg_sleep(3600)'");
  const readers = "from pg_stat_activity where query like 'select pg_sleep%'";
  const reads = `select count(*) ${readers}`;
  await eventually("somebody to read the database", async () => (await sql(reads)) === "1\n", 60_000);
  await expect(restore()).rejects.toMatchObject({
    code: "E-BACKUP",
    message: expect.stringMatching(/(?=.*nothing was changed)(?=.*accessed by other users)/s),
  });
  expect(await log()).toEqual(["stop 1", "start 1", "active"]);
  expect(await data()).toBe(whole);
  await sql(`select pg_terminate_backend(pid, 60000) ${readers}`);

  // In the middle of it, while one waits for its next start: what was there before comes back, and the unit after it.
  const beside = () =>
    inside("ls /srv /srv/olympus; cd /; runuser -u postgres -- psql -AtXl | grep '^notes' | cut -d '|' -f 1");
  const stood = await beside();
  await inside("mount --bind /srv/notes /srv/notes; systemctl kill -s KILL olympus-agent");
  await eventually("the unit to wait for its start", async () => (await log()).at(-1) === "activating", 60_000);
  await expect(restore()).rejects.toMatchObject({ message: expect.stringContaining("nothing was changed") });
  await inside("umount /srv/notes");
  expect((await log()).at(-1)).toBe("active");
  expect([await data(), await beside()]).toEqual([whole, stood]);

  // Where somebody came in meanwhile, there is no way back: nothing comes up on half of the data.
  await inside(`cat >/usr/sbin/mv <<'X'
#!/bin/sh
case "$*" in *" /srv/notes.before-"*) ;; *) exec /usr/bin/mv "$@" ;; esac
cd /; systemd-run -q --collect --unit=reader --uid=postgres psql -d notes -c 'select pg_sleep(3600)'
until [ "$(runuser -u postgres -- psql -AtX -d notes -c "${reads}")" = 1 ]; do sleep 0.1; done
exit 1
X
chmod +x /usr/sbin/mv`);
  await expect(restore()).rejects.toMatchObject({
    message: expect.stringContaining("only a part is back, so olympus-agent.service stays stopped: restore it again"),
  });
  expect((await log()).at(-1)).toBe("inactive");
  await inside("rm /usr/sbin/mv");
  await sql(`select pg_terminate_backend(pid, 60000) ${readers}`);
  // Whoever asks for it may be gone before it is done.
  await inside("/opt/olympus/backup/backup restore latest | :");
  await eventually("the restore to end", async () => (await log()).at(-1) === "active", 60_000);
  expect(await data()).toBe(whole);
  // One that fails by then leaves no plain copy behind.
  expect(
    await inside(
      "cd /usr/sbin; printf '#!/bin/sh\\nexit 1\\n' >pg_restore; chmod +x pg_restore; /opt/olympus/backup/backup restore latest | :; rm pg_restore; ls -A /srv/olympus",
    ),
  ).not.toContain(".backup.");
  await inside(leftBeside);
});

test("a backup that was cut off, or is not what was sent, does not count; nor can the key do more than add and read", async () => {
  const count = async () => (await listBackups(context(), source!)).length;
  const have = await count();
  await inside("truncate -s 2G /srv/notes/large");
  await inside(
    "/opt/olympus/backup/backup now >/dev/null 2>&1 & until ls /srv/olympus/.backup.*/postgresql/notes.dump >/dev/null 2>&1; do sleep 0.01; done; kill -9 $!; pkill -9 -x age || true; sleep 1; rm -f /srv/notes/large",
  );
  expect(await count()).toBe(have);
  const key = `ssh -F none -T -i /etc/olympus/secrets/backup-ssh -o BatchMode=yes -o UserKnownHostsFile=/etc/olympus/backup.known_hosts olympus-backup@${lab.machines[1]!.address}`;
  const [kept] = await listBackups(context(), source!);
  const tried = (words: string) => inside(`echo x | ${key} ${words} 2>&1; echo " $?"`);
  expect(await tried(`put ${kept!.name}`)).toMatch(/refused: .* is there already\n 64/);
  expect(await tried("put ../../../etc/passwd")).toMatch(/refused: no name of a backup\n 64/);
  expect(await tried("rm -rf .")).toMatch(/refused/);
  expect(await tried("'; id'")).toMatch(/refused/);
  await tried("put 20200101T000000Z.tar.age");
  expect(await tried(`commit 20200101T000000Z.tar.age ${"0".repeat(64)}`)).toMatch(/not what was sent\n 64/);
  expect(await count()).toBe(have);
  // One that was changed where it is kept is not verified.
  const file = `/srv/olympus/backups/${source}/${kept!.name}`;
  await atStore(`printf x | dd of=${file} bs=1 seek=5000 conv=notrunc status=none`);
  await expect(runBackup(context(), source!, "verify", kept!.name)).rejects.toMatchObject({
    code: "E-BACKUP",
    exit: 2,
  });
});

async function rotate(path: string): Promise<void> {
  const rotating: RotateContext = {
    ...context(),
    reporter: silentReporter(),
    chatUrl: "",
    async apply(role, hosts) {
      const { errors } = await apply("setup", team, { roles: [role], hosts });
      if (errors[0] !== undefined) throw errors[0];
    },
  };
  await runRotation(
    rotationOf(path, rotating, () => Promise.reject(new Error("nobody is asked"))),
    rotating,
  );
}

test("the key for sending is given a new value: the store is still reached, the old one opens nothing", async () => {
  const path = `backup.${source}.ssh`;
  const before = lab.secrets.require(`${path}.public`).reveal();
  await rotate(path);
  const now = lab.secrets.require(`${path}.public`).reveal();
  expect(now).not.toBe(before);
  expect((await atStore("cat /var/lib/olympus-backup-store/.ssh/authorized_keys")).split(" ").at(-2)).toBe(
    now.split(" ")[1],
  );
  expect(await atStore("wc -l </var/lib/olympus-backup-store/.ssh/authorized_keys")).toBe("1\n");
  expect(await listBackups(context(), source!)).not.toEqual([]);
});

test("what opens its backups is given a new value: those of before are still opened, and by the old one nothing new", async () => {
  const folder = `/srv/olympus/backups/${source}`;
  const path = `backup.${source}.identity`;
  const value = () => lab.secrets.require(path).reveal();
  const identities = () => inside("cat /etc/olympus/secrets/backup-age");
  const first = value();
  // The one that was changed where it is kept is opened by none: it would keep every identity.
  await atStore(`rm ${folder}/*`);
  const before = await runBackup(context(), source!, "now");
  await rotate(path);
  const second = value();
  expect(await identities()).toBe(`${second}\n${first}\n`);
  expect(await runBackup(context(), source!, "verify", before)).toBe(before);
  const newest = (await listBackups(context(), source!)).at(-1)!.name;
  expect(await runBackup(context(), source!, "verify")).toBe(newest);
  const opened = await whichOpen(context(), source!, [first, second]);
  expect([...opened]).toEqual([
    [before, [0]],
    [newest, [1]],
  ]);
  // A backup that does not arrive tells nothing.
  expect([...(await whichOpen(context(), source!, [first, second], "20200101T000000Z.tar.age")).values()]).toEqual([
    [],
  ]);
  await atStore(`rm ${folder}/${before}`);
  await rotate(path);
  expect(await identities()).toBe(`${value()}\n${second}\n`);
  expect(lab.secrets.paths().filter((one) => one.startsWith("rotation."))).toEqual([]);
  expect(await inside("ls -A /dev/shm | grep -v ^PostgreSQL || true")).toBe("");
  await atStore(`rm ${folder}/${newest}`);
});

test("the unit that the timer starts makes a backup and verifies it; retention goes by the age at the store, and leaves the newest three", async () => {
  const folder = `/srv/olympus/backups/${source}`;
  await atStore(
    `cd ${folder}; for n in 1 2 3 4 5; do touch -d '90 days ago' 2020010\${n}T000000Z.tar.age; done; chown olympus-backup *`,
  );
  await inside("systemctl start olympus-backup.service");
  const names = (await listBackups(context(), source!)).map(({ name }) => name);
  expect(names.filter((name) => name.startsWith("2020"))).toEqual(["20200105T000000Z.tar.age"]);
  const status = await inside("/opt/olympus/backup/backup status");
  const noted = status.split("\n").map((line) => [line.split(" ")[0], line.split(" ")[2]]);
  expect(noted).toEqual([
    ["made", names.at(-1)],
    ["verified", names.at(-1)],
    ["", undefined],
  ]);
});

test("reset takes the role away and leaves the backups", async () => {
  const reset = await apply("reset", team, { roles: ["backup"] });
  expect(reset.errors).toEqual([]);
  const left = snapshotDifference(before, await snapshotHost(inside));
  expect(left.filter((line) => !/srv\/(notes|olympus)|^[+-] unit postgresql@/.test(line))).toEqual([]);
  expect(await atStore(`ls /srv/olympus/backups/${source} | wc -l`)).toMatch(/^[3-9]/);
  expect(await atStore("getent passwd olympus-backup || echo gone")).toContain("gone");
});
