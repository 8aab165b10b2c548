import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { LocalRecord } from "../converge/history.ts";
import { roleMetrics, writeMetrics } from "./role-metrics.ts";

const folder = mkdtempSync(join(tmpdir(), "olympus-metrics-"));
afterAll(() => rmSync(folder, { recursive: true }));

type Host = LocalRecord["hosts"][number];
const host = (name: string, state: Host["state"], pending = 0): Host => ({ host: name, state, changed: 0, pending });
const record = (minute: number, what: string, exit: number, hosts: readonly Host[]): LocalRecord => ({
  v: 1,
  at: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString(),
  what,
  who: "kim@laptop",
  ms: 1500,
  exit,
  hosts,
});
const begun = Date.UTC(2026, 0, 1) / 1000;
const lines = (text: string, name: string): string[] =>
  text.split("\n").filter((line) => line.startsWith(`olympus_role_${name}`));

test("figures of the last command, and of each host when it was last as wished", () => {
  const text = roleMetrics("olympus", [
    record(0, "check", 0, [host("athena", "as-wished"), host("agora", "as-wished")]),
    record(1, "setup", 0, [host("athena", "changed")]),
    record(2, "check", 4, [host("athena", "pending", 3), host("agora", "failed")]),
  ]);
  expect(text).toBe(`# HELP olympus_role_drift_operations Changes that a setup would make.
# TYPE olympus_role_drift_operations gauge
olympus_role_drift_operations{team="olympus",host="athena"} 3
# HELP olympus_role_failed 1 when the host could not be looked at or set up.
# TYPE olympus_role_failed gauge
olympus_role_failed{team="olympus",host="athena"} 0
olympus_role_failed{team="olympus",host="agora"} 1
# HELP olympus_role_last_success_timestamp_seconds When the host was last as wished.
# TYPE olympus_role_last_success_timestamp_seconds gauge
olympus_role_last_success_timestamp_seconds{team="olympus",host="athena"} ${begun + 60}
olympus_role_last_success_timestamp_seconds{team="olympus",host="agora"} ${begun}
# HELP olympus_role_last_run_timestamp_seconds When the last command began.
# TYPE olympus_role_last_run_timestamp_seconds gauge
olympus_role_last_run_timestamp_seconds{team="olympus"} ${begun + 120}
# HELP olympus_role_last_exit_code Exit code of the last command.
# TYPE olympus_role_last_exit_code gauge
olympus_role_last_exit_code{team="olympus"} 4
# HELP olympus_role_duration_seconds How long the last command took.
# TYPE olympus_role_duration_seconds gauge
olympus_role_duration_seconds{team="olympus"} 1.5
`);
});

test("a host that was reset or rolled back is not as wished by that", () => {
  const text = roleMetrics("olympus", [
    record(0, "setup", 0, [host("athena", "changed")]),
    record(1, "reset agent", 0, [host("athena", "changed")]),
    record(2, "rollback", 0, [host("athena", "as-wished")]),
    record(3, "check", 3, [host("athena", "pending", 9)]),
  ]);
  expect(lines(text, "last_success")).toEqual([
    `olympus_role_last_success_timestamp_seconds{team="olympus",host="athena"} ${begun}`,
  ]);
});

test("nothing was done yet: nothing is told", () => {
  expect(roleMetrics("olympus", [])).toBe("");
});

test("the file is replaced whole, for everybody to read; what cannot be written leaves nothing behind", () => {
  const file = join(folder, "olympus.prom");
  writeMetrics(file, "one 1\n");
  writeMetrics(file, "two 2\n");
  expect([readFileSync(file, "utf8"), readdirSync(folder)]).toEqual(["two 2\n", ["olympus.prom"]]);
  expect(statSync(file).mode & 0o777).toBe(0o644 & ~process.umask());
  const error = expect.objectContaining({ code: "E-ROLE-METRICS", exit: 1 });
  const nowhere = join(folder, "no", "such.prom");
  expect(() => writeMetrics(nowhere, "x")).toThrow(error);
  // Nor can it be looked for there.
  expect(() => writeMetrics(join(file, "such.prom"), "x")).toThrow(error);
  mkdirSync(join(folder, "taken.prom", "full"), { recursive: true });
  expect(() => writeMetrics(join(folder, "taken.prom"), "x")).toThrow(error);
  expect(readdirSync(folder).sort()).toEqual(["olympus.prom", "taken.prom"]);
});
