import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { Secret } from "../base/secret.ts";
import { compileSetup } from "./apply-script.ts";
import { parseFacts } from "./fact-parse.ts";
import { factScript } from "./fact-script.ts";
import { noFacts } from "./facts.ts";
import type { Operation } from "./operations.ts";
import { planHost, requestsOf } from "./plan.ts";
import { checkBytes, type SentBlob, withInodes, withRoom } from "./room.ts";

const state = {
  ...{ generation: "", pending: [], lock: undefined, claims: {}, journal: [] },
  ...{ allClaims: [], history: [], format: 0, epoch: 0 },
};
const file = (path: string): Operation => ({ kind: "file", id: path, path, content: "x" });
const wishes = [{ role: "one", operations: [file("/srv/a"), file("/srv/deep/er/b"), file("/etc/c")] }];
const plan = (inodes: Record<string, number>, disks: Record<string, string> = {}) => {
  const facts = { ...noFacts, inodes, disks };
  return () => withInodes("athena", planHost(wishes, facts, state), facts);
};

test("#14 what is free is asked for where something may be made, and where a run keeps its own", () => {
  const asked = withRoom(requestsOf(wishes)).flatMap((one) => (one.fact === "space" ? [one.path] : []));
  expect(asked).toEqual(["/srv", "/srv/deep/er", "/etc", "/var/lib/olympus/journal"]);
});

test("#14 bytes and inodes are told apart; a file system without a number of inodes says nothing of them", () => {
  const answer = "m state\n1700000000\nm space\n100\t4096\t50\t7\tfe01\t/\n100\t4096\t0\t0\t0\t/srv\nm end\n";
  expect(parseFacts(answer, "m").facts).toMatchObject({
    space: { "/": 409_600, "/srv": 409_600 },
    ...{ inodes: { "/": 7 }, disks: { "/": "fe01" } },
  });
});

test("#14 a real file system is known by its number", () => {
  const script = factScript([{ fact: "space", path: "/tmp" }], { marker: "m", roles: [], journal: false });
  const { facts } = parseFacts(execFileSync("sh", ["-c", script], { encoding: "utf8" }), "m");
  const number = execFileSync("stat", ["-f", "-c", "%i", "/tmp"], { encoding: "utf8" }).trim();
  expect([facts.disks["/tmp"], facts.space["/tmp"]]).toEqual([number === "0" ? undefined : number, expect.any(Number)]);
});

test("#14 too few inodes, where the things are or where the journal is: refused with both numbers", () => {
  expect(plan({})().steps).toHaveLength(3);
  expect(plan({ "/": 17, "/srv": 2 })().steps).toHaveLength(3);
  const refusal = { code: "E-ROLE-SPACE", exit: 2 };
  expect(plan({ "/": 1000, "/srv": 1 })).toThrow(
    expect.objectContaining({ ...refusal, message: "athena: no space for /srv/a: 2 inodes needed, 1 free." }),
  );
  expect(plan({ "/": 16, "/srv": 2 })).toThrow(
    expect.objectContaining({ message: expect.stringMatching(/17 inodes needed, 16 free/) as string }),
  );
  expect(plan({ "/": 1000, "/var/lib/olympus": 0 })).toThrow(expect.objectContaining(refusal));
});

test("#14 folders of one file system share its inodes; folders of another one do not", () => {
  const three = { "/": 1000, "/srv": 2, "/etc": 2 };
  expect(plan(three, { "/": "a", "/srv": "b", "/etc": "c" })().steps).toHaveLength(3);
  expect(plan(three, { "/": "a", "/srv": "b", "/etc": "b" })).toThrow(
    expect.objectContaining({ message: "athena: no space for /srv/a: 3 inodes needed, 2 free." }),
  );
});

const sent = (to: string, megabytes: number, room: number, more: Partial<SentBlob> = {}): SentBlob => ({
  ...{ hash: to, to, room: room * 1e6, packed: true, missing: true },
  file: { localPath: to, sha256: "", size: megabytes * 1e6 },
  ...more,
});
const bytes = (
  blobs: SentBlob[],
  megabytes: Record<string, number>,
  disks: Record<string, string>,
  written: { to: string; bytes: number }[] = [],
) => {
  const space = Object.fromEntries(Object.entries(megabytes).map(([path, free]) => [path, free * 1e6]));
  return () => checkBytes("athena", blobs, written, { ...noFacts, space, disks });
};

test("#14 what goes to several folders of one disk is summed with what arrives there, each archive until it is unpacked", () => {
  const two = [sent("/srv/a", 10, 30), sent("/opt/b", 5, 20)];
  const one = { "/": "x", "/srv": "x", "/opt": "x" };
  // 15 arrive; 30 beside them; then 20 beside 30 and the 5 that they are unpacked from.
  expect(bytes(two, { "/": 54, "/srv": 54, "/opt": 54 }, one)).toThrow(
    expect.objectContaining({
      ...{ code: "E-ROLE-SPACE", exit: 2 },
      message: "athena: no space for /srv/a: 55 MB needed, 54 MB free.",
    }),
  );
  expect(bytes(two, { "/": 55, "/srv": 55, "/opt": 55 }, one)).not.toThrow();
  expect(bytes(two, { "/": 15, "/srv": 30, "/opt": 20 }, { "/": "x", "/srv": "y", "/opt": "z" })).not.toThrow();
  // Where file systems have no number, each folder is one.
  expect(bytes(two, { "/": 15, "/srv": 30, "/opt": 20 }, {})).not.toThrow();
});

test("#14 an archive that a former run had sent takes no room again; a file is copied from what was sent", () => {
  const disk = { "/": "x" };
  expect(bytes([sent("/srv/a", 10, 30, { missing: false })], { "/": 30 }, disk)).not.toThrow();
  expect(bytes([sent("/srv/a", 10, 10, { packed: false })], { "/": 20 }, disk)).not.toThrow();
  expect(bytes([sent("/srv/a", 10, 10, { packed: false })], { "/": 19 }, disk)).toThrow(/20 MB needed, 19 MB free/);
});

test("#14 what is written is counted where it lies, beside what is sent; numbers that are close are told in kB", () => {
  const one = { "/": "x", "/srv": "x", "/run": "y" };
  const written = [
    { to: "/srv/a", bytes: 600_000 },
    { to: "/etc/b", bytes: 500_000 },
    { to: "/run/c", bytes: 5e6 },
  ];
  const free = { "/": 1, "/srv": 1, "/run": 9 };
  expect(bytes([], { ...free, "/": 1.2, "/srv": 1.2 }, one, written)).not.toThrow();
  expect(bytes([], free, one, written)).toThrow(/no space for \/srv\/a: 2 MB needed, 1 MB free/);
  expect(bytes([], free, one, written.slice(0, 1))).not.toThrow();
  expect(bytes([], { "/srv": 0.55 }, one, written)).toThrow(/no space for \/srv\/a: 600 kB needed, 550 kB free/);
});

test("#14 a plan says how large the files are that it writes, of whichever operation", () => {
  const operations: Operation[] = [
    { ...file("/srv/a"), content: "äé" } as Operation,
    { ...file("/srv/b"), content: new Secret("a.b", "four") } as Operation,
    { kind: "block", id: "c", path: "/etc/c", name: "c", content: "three\n" },
    { kind: "unit", id: "d", name: "d.service", content: "[Service]\n" },
    { kind: "command", id: "e", summary: "e", check: "false", apply: "cat", stdin: new Secret("a.b", "not a file") },
  ];
  const made = planHost([{ role: "one", operations }], noFacts, state);
  const info = { run: "r", who: "w", what: "w", generation: "", epoch: 0 };
  expect(compileSetup(made, info)(new Map()).written).toEqual([
    ...[
      { to: "/srv/a", bytes: 4 },
      { to: "/srv/b", bytes: 4 },
      { to: "/etc/c", bytes: 6 },
    ],
    { to: "/etc/systemd/system/d.service", bytes: 10 },
  ]);
});
