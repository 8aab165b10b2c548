import { execFileSync, spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { factScript } from "../fact-script.ts";
import { noFacts } from "../facts.ts";
import type { CommandOperation } from "../operations.ts";
import { command } from "./command.ts";

// The scripts themselves, run by a real shell, as the apply runs a step: in a subshell with set -eu.

const operation = (check: string): CommandOperation => ({
  kind: "command",
  id: "c",
  summary: "x",
  check,
  apply: "echo applied",
});

function applied(check: string): boolean {
  const { script } = command.plan(operation(check), noFacts)!;
  const output = execFileSync("sh", ["-c", `( set -eu\n${script}\n) </dev/null`], { encoding: "utf8" });
  return output === "applied\n";
}

function factOf(check: string): boolean {
  const script = factScript(command.needs(operation(check)), { marker: "m", roles: [], journal: false });
  const { stdout } = spawnSync("sh", ["-c", script], { encoding: "utf8" });
  return /^m command 0 /m.test(stdout);
}

test.each([
  ["true", true],
  ["false", false],
  ["true\ntrue", true],
  ["false\ntrue", false],
  ["[ / -nt /nowhere ]\n[ /nowhere -nt / ]\n[ / -nt /nowhere ]", false],
  ['it="isn\'t"\n[ "$it" = "isn\'t" ]', true],
  ['echo "$unset_one"\ntrue', false],
  ["cat\ntrue", true],
])("check %j: any line that fails fails it, for the facts and for the apply alike", (check, asWished) => {
  expect([factOf(check), applied(check)]).toEqual([asWished, !asWished]);
});
