import { afterAll, beforeAll, expect, test } from "vitest";
import { silentReporter } from "../../src/base/report.ts";
import type { CommandContext } from "../../src/cli/context.ts";
import { act } from "../../src/cli/role-act.ts";
import type { JournalEntry } from "../../src/converge/change.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { describeUndo } from "../../src/converge/undo.ts";
import { snapshotDifference, snapshotHost } from "../support/host-snapshot.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

// Data: kept by a reset, copied before a purge deletes it, and never deleted when that copy cannot be made.
let lab: RoleLab;

beforeAll(async () => {
  lab = await openRoleLab(1);
});
afterAll(async () => lab.close());

const memory: Operation[] = [
  { kind: "directory", id: "memory", path: "/srv/memory", mode: "0700", data: "memory", tree: true },
];
const backups = "/var/backups/olympus";
const codes = (result: { errors: readonly { code: string; exit: number }[] }) =>
  result.errors.map(({ code, exit }) => [code, exit]);
const fill = () =>
  lab.inside("mkdir -p /srv/memory/deep; echo a thought >/srv/memory/deep/one; chmod 640 /srv/memory/deep/one");
const thought = () => lab.inside("cat /srv/memory/deep/one");
const purge = () => lab.apply("reset", memory, { purge: ["memory"] });

const journalNow = async () =>
  (await lab.inside("cat /var/lib/olympus/journal/journal.jsonl"))
    .split("\n")
    .flatMap((text) => (text === "" ? [] : [JSON.parse(text) as JournalEntry]));
const line = (entry: JournalEntry): string => `~ ${entry.role}: ${describeUndo(entry)}`;
/** What is told before the question. */
const listedIn = (told: readonly string[]) => told.slice(0, told.indexOf("Reset athena?")).map((text) => text.trim());

/** A command's surroundings where a person says yes or no; what they are told and asked comes into `told`. */
const asking = (yes: boolean, told: string[]): CommandContext => ({
  reporter: { ...silentReporter(), info: (line) => void told.push(line) },
  signal: new AbortController().signal,
  options: { json: false, yes, debug: false, input: false },
  endsByInterruption: () => undefined,
  loadTeam: async () => lab.team,
  async confirm(question) {
    told.push(question);
    return yes;
  },
});

test("#41 the confirmation lists what the journal holds, all of it and nothing else, and what stays", async () => {
  await lab.inside("echo theirs >/srv/changed; echo theirs >/srv/untouched; mkdir /srv/there");
  const before = await snapshotHost((script) => lab.inside(script));
  const operations: Operation[] = [
    ...memory,
    { kind: "file", id: "new", path: "/srv/new", content: "1\n" },
    { kind: "file", id: "changed", path: "/srv/changed", content: "2\n" },
    { kind: "directory", id: "there", path: "/srv/there", mode: "0755" },
    { kind: "directory", id: "folder", path: "/srv/folder" },
    { kind: "user", id: "user", name: "probe-user", system: true },
    { kind: "package", id: "package", names: ["tree", "bash"] },
  ];
  expect((await lab.apply("setup", operations)).errors).toEqual([]);
  await fill();
  await lab.secrets.save();
  const journal = await journalNow();
  const whole = await snapshotHost((script) => lab.inside(script));

  const told: string[] = [];
  expect(await act(asking(false, told), "reset", [], { host: "athena" })).toBe(6);
  const listed = listedIn(told);
  const goes = journal.filter(({ data }) => data === undefined).map(line);
  expect(listed[0]).toBe(`athena     ${goes.length} to undo`);
  expect(listed.slice(1).sort()).toEqual([...goes, "= stays: probe: /srv/memory (memory)"].sort());
  // One line for each thing that setup made or changed; of what was there already, none.
  expect(listed.filter((line) => /\/srv\/|tree|probe-user/.test(line)).sort()).toEqual([
    "= stays: probe: /srv/memory (memory)",
    "~ probe: remove /srv/folder",
    "~ probe: remove /srv/new",
    expect.stringMatching(/^~ probe: remove tree and what came with it$/),
    "~ probe: restore /srv/changed",
    "~ probe: user probe-user: remove",
  ]);

  const purged: string[] = [];
  expect(await act(asking(false, purged), "reset", [], { host: "athena", purge: "memory" })).toBe(6);
  const withData = listedIn(purged);
  expect(withData[0]).toBe(`athena     ${journal.length} to undo`);
  expect(withData.slice(1).sort()).toEqual([...goes, "~ probe: remove /srv/memory with everything in it"].sort());
  expect(snapshotDifference(whole, await snapshotHost((script) => lab.inside(script)))).toEqual([]);

  expect(await act(asking(true, []), "reset", [], { host: "athena" })).toBe(0);
  const left = snapshotDifference(before, await snapshotHost((script) => lab.inside(script)));
  expect(left.filter((line) => !line.includes("srv/memory"))).toEqual([]);
  expect([await thought(), left.length > 0]).toEqual(["a thought\n", true]);
  await lab.inside("rm -r /srv/memory /srv/changed /srv/untouched /srv/there");
});

test("#41 #42 losing data needs the host's name typed, or --confirm: --yes alone does not agree to it", async () => {
  expect((await lab.apply("setup", memory)).errors).toEqual([]);
  await fill();
  await lab.secrets.save();
  const asked: string[] = [];
  const context = (yes: boolean) => asking(yes, asked);
  const reset = (yes: boolean, options: object) => act(context(yes), "reset", [], { host: "athena", ...options });
  expect(await reset(false, { purge: "memory" })).toBe(6);
  await expect(reset(true, { purge: "memory" })).rejects.toMatchObject({ code: "E-CONFIRM", exit: 6 });
  await expect(reset(true, { purge: "memory", confirm: ["agora"] })).rejects.toMatchObject({ code: "E-CONFIRM" });
  await expect(reset(true, { purge: "memroy" })).rejects.toMatchObject({ code: "E-UNKNOWN" });
  expect([asked.find((line) => line.endsWith("?")), await thought()]).toEqual(["Reset athena?", "a thought\n"]);
  expect(await reset(true, { purge: "memory", confirm: ["athena"] })).toBe(0);
  expect(await lab.inside(`ls -d /srv/memory 2>/dev/null || echo gone; rm -r ${backups}`)).toBe("gone\n");
});

test("#42 a purge makes a copy first, reads it back, tells where it is, and gives what it takes to restore it", async () => {
  expect((await lab.apply("setup", memory)).errors).toEqual([]);
  await fill();
  const kept = await lab.apply("reset", memory);
  expect([kept.errors, kept.hosts[0]!.kept]).toEqual([[], ["probe: /srv/memory (memory)"]]);
  expect(await thought()).toBe("a thought\n");

  const gone = await purge();
  expect(gone.errors).toEqual([]);
  const told = gone.hosts[0]!.kept.find((line) => line.startsWith("backup of /srv/memory: "))!;
  const file = /: (\S+\.tar\.gz) \(\d+ MB\)$/.exec(told)![1]!;
  expect(await lab.inside(`ls -d /srv/memory 2>/dev/null || echo gone; stat -c '%a %U' ${file} ${backups}`)).toBe(
    "gone\n600 root\n700 root\n",
  );
  await lab.inside(`tar -C / -xpzf ${file}`);
  expect([await thought(), await lab.inside("stat -c %a /srv/memory /srv/memory/deep/one")]).toEqual([
    "a thought\n",
    "700\n640\n",
  ]);
  await lab.inside(`rm -r /srv/memory ${backups}`);
});

test("#42 no room for the copy: refused before anything is changed, with both numbers", async () => {
  await lab.apply("setup", memory);
  await fill();
  await lab.inside(
    `head -c 4000000 /dev/urandom >/srv/memory/big; mkdir -p ${backups}; mount -t tmpfs -o size=1m tmpfs ${backups}`,
  );
  const other: Operation = { kind: "file", id: "other", path: "/srv/other", content: "1\n" };
  await lab.apply("setup", [...memory, other]);
  const refused = await purge();
  expect(codes(refused)).toEqual([["E-ROLE-SPACE", 2]]);
  expect(refused.errors[0]!.message).toMatch(
    /no space for backups in \/var\/backups\/olympus: \d+ MB needed, \d+ MB free/,
  );
  expect([await thought(), await lab.inside("cat /srv/other")]).toEqual(["a thought\n", "1\n"]);
  await lab.inside(`umount ${backups}`);
});

test("#42 a copy that fails: the data stays, whole, and a later purge has it", async () => {
  await lab.inside(
    'mv /usr/bin/tar /usr/bin/tar.real; printf \'#!/bin/sh\\ncase "$*" in *-dzf*) exit 1;; esac\\nexec /usr/bin/tar.real "$@"\\n\' >/usr/bin/tar; chmod 755 /usr/bin/tar',
  );
  const failed = await purge();
  await lab.inside("mv /usr/bin/tar.real /usr/bin/tar");
  expect(codes(failed)).toEqual([["E-ROLE-APPLY", 2]]);
  expect(failed.errors[0]!.message).toContain("the backup of /srv/memory failed: nothing of it was deleted");
  expect(await thought()).toBe("a thought\n");
  expect(await lab.inside(`ls ${backups}`)).toBe("");
  const gone = await purge();
  expect([gone.errors, await lab.inside("ls -d /srv/memory 2>/dev/null || echo gone")]).toEqual([[], "gone\n"]);
});

test("#42 a database is dumped before it is dropped, and the dump restores it; one that cannot be dumped stays", async () => {
  const roles = {
    base: "real",
    postgresql: "real",
    probe: [
      { kind: "postgresql-role", id: "role", name: "probe" },
      { kind: "postgresql-database", id: "database", name: "probe", owner: "probe", data: "databases" },
    ],
  } as const;
  expect((await lab.apply("setup", roles)).errors).toEqual([]);
  const told: string[] = [];
  expect(await act(asking(false, told), "reset", [], { host: "athena", purge: "databases" })).toBe(6);
  const listed = listedIn(told);
  const goes = (await journalNow()).filter(({ data }) => data !== "memory").map(line);
  expect(listed.filter((text) => text.startsWith("~")).sort()).toEqual(goes.sort());
  expect(listed).toContain("~ probe: database probe: DROP with all its data");
  const kept: string[] = [];
  expect(await act(asking(false, kept), "reset", [], { host: "athena" })).toBe(6);
  expect(listedIn(kept).filter((text) => /database probe/.test(text))).toEqual([
    "= stays: probe: database probe (databases)",
  ]);

  const sql = (query: string, database = "probe") =>
    lab.inside(`cd /; runuser -u postgres -- psql -AtXq -d ${database} -c "${query}"`);
  await sql("create table thoughts (text text); insert into thoughts values ('kept')");
  // A table that its reader may not read ends pg_dump in the middle.
  await lab.inside(
    "printf '#!/bin/sh\\necho broken >&2; exit 1\\n' >/usr/local/bin/pg_dump; chmod 755 /usr/local/bin/pg_dump; mv /usr/bin/pg_dump /usr/bin/pg_dump.real; cp /usr/local/bin/pg_dump /usr/bin/pg_dump",
  );
  const failed = await lab.apply("reset", roles, { roles: ["probe"], purge: ["databases"] });
  await lab.inside("mv /usr/bin/pg_dump.real /usr/bin/pg_dump; rm /usr/local/bin/pg_dump");
  expect(codes(failed)).toEqual([["E-ROLE-APPLY", 2]]);
  expect(failed.errors[0]!.message).toContain("the backup of database probe failed: nothing of it was deleted");
  expect(await sql("select text from thoughts")).toBe("kept\n");

  const gone = await lab.apply("reset", roles, { roles: ["probe"], purge: ["databases"] });
  expect(gone.errors).toEqual([]);
  const file = /(\S+\.dump) \(/.exec(gone.hosts[0]!.kept.join("\n"))![1]!;
  await sql("create database back", "postgres");
  await lab.inside(`cd /; runuser -u postgres -- pg_restore --no-owner -d back <${file}`);
  expect(await sql("select text from thoughts", "back")).toBe("kept\n");
  expect((await lab.apply("reset", roles, { purge: ["databases"] })).errors).toEqual([]);
});
