import { expect, it } from "vitest";
import { OlympusError } from "../base/errors.ts";
import { silentReporter } from "../base/report.ts";
import type { HostResult } from "../converge/result.ts";
import { closingLine, keptLines, planLines } from "./role-output.ts";
import { roleProgress } from "./role-progress.ts";

const result = (host: string, some: Partial<HostResult> = {}): HostResult => ({
  host,
  state: "as-wished",
  lines: [],
  looked: 40,
  changed: 0,
  kept: [],
  ms: 1_200,
  ...some,
});
const restart = { role: "agent", summary: "restart agent.service", diff: [] };
const config = { role: "agent", summary: "/etc/x: change content", diff: ["@@ -1,2 +1,2 @@", " a", "-b", "+c"] };
const down = new OlympusError("ares: no answer on 10.220.1.57:22 within 10 s.\nmore", {
  code: "E-SSH-TIMEOUT",
  exit: 4,
});

it("tells equal changes once, in the order of the team file, and names hosts with nothing to do at the end", () => {
  const hosts = [
    result("athena"),
    result("apollo", { state: "pending", lines: [config, restart] }),
    result("artemis", { state: "pending", lines: [config, restart] }),
    result("ares", { state: "failed", error: down }),
    result("hermes", { state: "pending", lines: [restart], kept: ["memory of hermes"] }),
    result("perseus"),
  ];
  expect(planLines(hosts, true)).toEqual([
    "apollo     2 to change",
    "  ~ agent: /etc/x: change content",
    "      @@ -1,2 +1,2 @@",
    "       a",
    "      -b",
    "      +c",
    "  ~ agent: restart agent.service",
    "artemis    2 to change  (same as apollo)",
    "ares       no answer on 10.220.1.57:22 within 10 s.",
    "hermes     1 to change",
    "  ~ agent: restart agent.service",
    "  = stays: memory of hermes",
    "as wished  athena, perseus",
  ]);
  expect(closingLine(hosts, 6_900)).toBe("6 hosts: 2 as wished · 3 would change (5 operations) · 1 unreachable, 6.9 s");
});

it("shows the beginning of a new file, and breaks a long list of names", () => {
  const lines = Array.from({ length: 30 }, (_, at) => `+line ${at}`);
  const made = { role: "base", summary: "/etc/x: create", diff: lines };
  const shown = planLines([result("athena", { state: "pending", lines: [made] })], true);
  expect(shown.slice(-2)).toEqual(["      +line 7", "        and 22 lines more"]);
  const names = planLines(
    Array.from({ length: 30 }, (_, at) => result(`machine-${at}`)),
    true,
  );
  expect(names).toHaveLength(5);
  expect(Math.max(...names.map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(names.join(" ")).toContain("machine-29");
});

it("says what came of thirty hosts in one line when nothing was to do", () => {
  const hosts = Array.from({ length: 30 }, (_, at) => result(`machine-${at}`));
  expect(closingLine(hosts, 900)).toBe("30 hosts as wished, nothing changed (1200 operations looked at), 0.9 s");
});

it("says which roles a reset did not find, and never that a host from which they were to go is as wished", () => {
  const hosts = [result("athena", { absent: ["github", "forge"] })];
  expect(keptLines(hosts)).toEqual(["athena: github is not set up there", "athena: forge is not set up there"]);
  expect(closingLine(hosts, 900, true)).toBe("1 host: nothing to undo, 0.9 s");
  const more = [...hosts, result("ares", { state: "changed", changed: 3, kept: ["memory"] })];
  expect(keptLines(more).at(-1)).toBe("ares: stays: memory");
  expect(closingLine(more, 900, true)).toBe("2 hosts: 1 with nothing to undo · 1 changed (3 operations), 0.9 s");
});

it("names the run that a rollback undoes on each host: what, by whom, when", () => {
  const undoneRun = { what: "role setup all", who: "kim@laptop", since: 1_795_417_920, secondsAgo: 2 * 3600 + 5 };
  const other = { ...undoneRun, what: "role setup agent", secondsAgo: 240 };
  const hosts = [
    result("athena", { state: "pending", lines: [restart], undoneRun }),
    result("ares", { state: "pending", lines: [restart], undoneRun: other }),
  ];
  expect(planLines(hosts, false, "undo")).toEqual([
    "athena     1 to undo of role setup all by kim@laptop, 2026-11-23 07:12 (2 h ago)",
    "  ~ agent: restart agent.service",
    "ares       1 to undo of role setup agent by kim@laptop, 2026-11-23 07:12 (4 min ago)  (same as athena)",
  ]);
});

it("moves a line for each host at work, keeps that of one that ended, and is silent on those that were as wished", () => {
  const reporter = silentReporter();
  const moved: string[][] = [];
  const step = {
    update: (detail: string, rows: readonly string[] = []) =>
      void moved.push([detail, ...rows.map((row) => row.replace(/\d+\.\d s/, "T"))]),
    done: () => undefined,
    fail: () => undefined,
    interrupt: () => undefined,
  };
  const tell = roleProgress(reporter, step, ["athena", "ares", "hermes"]);
  tell("athena", "looking");
  tell("ares", "looking");
  expect(moved.at(-1)?.slice(1)).toEqual(["  athena  looking  T", "  ares    looking  T"]);
  tell("athena", "as-wished", result("athena"));
  tell("ares", "failed", result("ares", { state: "failed", error: down }));
  tell("hermes", "agent: /etc/x");
  expect(moved.at(-1)?.slice(1)).toEqual(["  hermes  agent: /etc/x  T"]);
  tell("hermes", "changed", result("hermes", { state: "changed", changed: 3 }));
  expect(reporter.lines).toEqual([
    "  ares    FAILED  no answer on 10.220.1.57:22 within 10 s.  1.2 s",
    "  hermes  ok      3 changed  1.2 s",
  ]);
});

it("names who is waited for in the step's own line, which is all that moves off a terminal; of many the first", () => {
  const details: string[] = [];
  const step = { ...silentReporter().step("role"), update: (detail: string) => void details.push(detail) };
  const names = ["athena", "ares", "hermes", "apollo", "zeus"];
  const tell = roleProgress(silentReporter(), step, names);
  for (const name of names) tell(name, "looking");
  expect(details.at(-1)).toBe("0 of 5 hosts  athena: looking; ares: looking; hermes: looking; and 2 more");
  tell("apollo", "waiting for it to boot, 30 s");
  for (const name of names.filter((one) => one !== "apollo")) tell(name, "as-wished", result(name));
  expect(details.at(-1)).toBe("4 of 5 hosts  apollo: waiting for it to boot, 30 s");
  tell("apollo", "as-wished", result("apollo"));
  expect(details.at(-1)).toBe("5 of 5 hosts");
});
