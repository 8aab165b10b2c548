import type { Secret } from "../../base/secret.ts";
import { fenced } from "../fenced.ts";
import type { CheckResult } from "./checks.ts";
import { marked, type Origin, originMark, type Place } from "./marks.ts";

export interface PullFacts {
  readonly issue: number;
  readonly agent: string;
  readonly run: string;
  /** In the model's words. */
  readonly summary: string;
  readonly checks: readonly CheckResult[];
  /** Why it cannot be put onto the newest base; undefined when it stands on it. */
  readonly behind: string | undefined;
  /** US dollars. */
  readonly cost: number;
  readonly rehearsal: boolean;
}

/** What was run and what came of it: written by the harness, whatever the model claims. */
export function checksText(checks: readonly CheckResult[]): string {
  if (checks.length === 0) return "No checks are declared for this repository: nothing was run by the harness.";
  return checks
    .map(({ command, passed, ended, seconds, tail }) => {
      const line = `- ${passed ? "passed" : "**failed**"}: \`${command.replaceAll("`", "'")}\` (${ended}, ${seconds} s)`;
      return passed || tail === "" ? line : `${line}\n\n${fenced(tail)}\n`;
    })
    .join("\n");
}

/** The body of a pull request: what was done, how it was checked, what it cost, by which run. */
export function pullBody(facts: PullFacts, key: Secret, place: Place, origin: Origin): string {
  const { issue, agent, run, summary, checks, behind, cost, rehearsal } = facts;
  const text = [
    `Closes #${issue}.`,
    `## What was done\n\n${summary}`,
    `## How it was checked\n\nBy the harness, in its sandbox:\n\n${checksText(checks)}`,
    ...(behind === undefined ? [] : [`## The base moved\n\n${behind}`]),
    `---\n_By ${agent}, an AI employee; run \`${run}\`, $${cost.toFixed(4)} for models${rehearsal ? " (a rehearsal: a script answered in place of one)" : ""}. A person has to approve it._`,
  ].join("\n\n");
  return marked(text, key, originMark, place, origin);
}

/** A title of an issue as the first line of a commit or a pull request. */
export function titleOf(title: string, issue: number): string {
  const line = title.replace(/\s+/g, " ").trim().slice(0, 100) || "Work";
  return `${line} (#${issue})`;
}
