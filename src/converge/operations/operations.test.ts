import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { OlympusError } from "../../base/errors.ts";
import { projectRoot } from "../../base/paths.ts";
import { Secret } from "../../base/secret.ts";
import type { Change } from "../change.ts";
import { type Facts, noFacts } from "../facts.ts";
import { kindOf } from "../kinds.ts";
import type { Operation } from "../operations.ts";

// One file of cases a kind: facts and wish -> change. A string `{"secret": "…"}` in an operation stands for a Secret.

interface Case {
  readonly name: string;
  /** A release of Ubuntu: `facts` come on top of what a new machine of its cloud image has. */
  readonly host?: string;
  readonly operation: Operation;
  readonly facts?: Partial<Facts>;
  /** Null: as wished. `error`: the code it throws. */
  readonly change: (Partial<Change> & { readonly error?: string }) | null;
}

const folder = join(import.meta.dirname, "cases");
const machines = join(projectRoot, "test/support/ubuntu");
const files = readdirSync(folder);
const read = (file: string): Case[] => JSON.parse(readFileSync(join(folder, file), "utf8"), revive) as Case[];

function factsOf({ host, facts = {} }: Case): Facts {
  const of = host === undefined ? {} : JSON.parse(readFileSync(join(machines, `${host}.json`), "utf8"));
  const both = Object.entries(facts).map(([kind, some]) => [kind, isRecord(some) ? { ...of[kind], ...some } : some]);
  return { ...noFacts, ...of, ...Object.fromEntries(both) };
}

const isRecord = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

describe.each(files)("%s", (file) => {
  it("has a case on a machine of Ubuntu", () => {
    expect(read(file).filter(({ host }) => host !== undefined)).not.toEqual([]);
  });

  it.each(read(file).map((one) => [one.name, one] as const))("%s", (_, one) => {
    const { operation, change } = one;
    const plan = (): Change | undefined => kindOf(operation).plan(operation, factsOf(one));
    expect(JSON.parse(JSON.stringify(kindOf(operation).needs(operation)))).not.toEqual([]);
    if (change === null) {
      expect(plan()).toBeUndefined();
    } else if (change.error !== undefined) {
      expect(() => plan()).toThrow(expect.objectContaining({ code: change.error }) as OlympusError);
    } else {
      const seen = plan();
      expect(seen).toBeDefined();
      expect(seen).toMatchObject(change);
      expect(`${seen?.script}${JSON.stringify(seen)}`).not.toContain("geheim");
      // What undoing is to bring back is saved.
      const saved = seen?.saves?.map(({ sha256 }) => sha256);
      for (const { undo } of seen?.records ?? []) {
        if (undo.do === "path" && undo.before.sha256 !== undefined) expect(saved).toContain(undo.before.sha256);
      }
    }
  });
});

it("has cases of every kind", () => {
  const kinds = new Set(files.flatMap((file) => read(file).map((one) => one.operation.kind)));
  expect([...kinds].sort()).toEqual([
    "archive",
    "authorized-keys",
    "block",
    "command",
    "directory",
    "download",
    "drop-in",
    "file",
    "firewall-rule",
    "git",
    "group",
    "line",
    "link",
    "mount",
    "npm-package",
    "package",
    "pipx-package",
    "postgresql-database",
    "postgresql-role",
    "postgresql-setting",
    "sysctl",
    "timer",
    "unit",
    "user",
    "wait",
  ]);
});

function revive(_: string, value: unknown): unknown {
  if (typeof value === "object" && value !== null && "secret" in value) {
    return new Secret("a.secret", String(value.secret));
  }
  return value;
}
