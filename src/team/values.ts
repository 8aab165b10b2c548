import type { z } from "zod";
import { knownKeys } from "./json-schema.ts";
import { knownWords } from "./nearest.ts";
import type { Problem } from "./problems.ts";
import type { Path } from "./source.ts";

/** What the words of an enumeration are called, by the key that holds them. */
const kinds: Readonly<Record<string, string>> = {
  lenses: "lens",
  duties: "duty",
  services: "service",
  approve: "kind of gate",
  provider: "provider",
  for: "kind of work",
  days: "day",
  protocol: "protocol",
  accel: "accelerator",
};

/** Names of JavaScript's types as a writer of YAML knows them. */
const types: Readonly<Record<string, string>> = {
  object: "a map",
  record: "a map",
  array: "a list",
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
};

/** What paths start in, as messages call it, and the keys that it knows at each. */
export interface Written {
  readonly name: string;
  readonly named: string;
  keys(path: Path): string[];
}

const wholeFile: Written = { name: "a team file", named: "the file", keys: knownKeys };

/** Tells a person what the schema found in `root`: the value as written, and the fix. */
export function schemaProblems(issues: readonly z.core.$ZodIssue[], root: unknown, written = wholeFile): Problem[] {
  const problems = issues.flatMap((issue) => problemOf(issue, root, written));
  // A misspelt key is told once, not a second time as the key that is missing.
  const misspelt = problems.filter((problem) => problem.code === "E-TEAM-KEY");
  return problems.filter(
    ({ code, path }) =>
      code !== "E-TEAM-MISSING" ||
      !misspelt.some(
        (other) =>
          samePath(other.path.slice(0, -1), path.slice(0, -1)) && other.fix.endsWith(`mean ${String(path.at(-1))}?`),
      ),
  );
}

function samePath(a: Path, b: Path): boolean {
  return a.length === b.length && a.every((segment, index) => segment === b[index]);
}

function problemOf(issue: z.core.$ZodIssue, root: unknown, written: Written): Problem[] {
  const { path } = issue;
  const value = valueAt(root, path);
  const name = String(path.findLast((segment) => typeof segment === "string") ?? written.named);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(path, key, written));
    case "invalid_key":
      return [
        {
          code: "E-TEAM-VALUE",
          path,
          part: "key",
          message: `${quote(path.at(-1))} is not a valid name`,
          fix: nameFix(String(path.at(-1)), issue.issues[0]?.message ?? "Take another name."),
        },
      ];
    case "invalid_value": {
      if (value === undefined) return [missing(path, written, knownList(issue.values.map(String)))];
      if (typeof value !== "string") return [wrongType(path, name, "one word", value)];
      const known = issue.values.map(String);
      const kind = kinds[name] ?? name;
      return [{ code: "E-TEAM-REF", path, message: `unknown ${kind} ${quote(value)}`, fix: knownWords(value, known) }];
    }
    case "invalid_type":
      if (value === undefined) return [missing(path, written)];
      return [wrongType(path, name, types[issue.expected] ?? issue.expected, value)];
    default: {
      if (value === undefined) return [missing(path, written, issue.message)];
      const fix = typeof value === "string" ? valueFix(name, value, issue.message) : issue.message;
      return [{ code: "E-TEAM-VALUE", path, message: `${name} is not valid: ${quote(value)}`, fix }];
    }
  }
}

function unknownKey(path: Path, key: string, written: Written): Problem {
  const known = written.keys(path);
  const place = path.length === 0 ? `in ${written.name}` : `in ${path.join(".")}`;
  return {
    code: "E-TEAM-KEY",
    path: [...path, key],
    part: "key",
    message: `unknown key "${key}" ${place}`,
    fix: key === "<<" ? "Maps cannot be merged here: write the values out, or use a template." : knownWords(key, known),
  };
}

function missing(path: Path, written: Written, fix?: string): Problem {
  const key = path.at(-1);
  const owner = path.slice(0, -1).join(".");
  return {
    code: "E-TEAM-MISSING",
    path,
    part: "key",
    message: `${owner === "" ? written.named : owner} has no ${String(key)}`,
    fix: `Add ${String(key)}: …${fix === undefined ? "" : `  ${fix}`}`,
  };
}

function wrongType(path: Path, name: string, expected: string, value: unknown): Problem {
  if (path.length === 0)
    return {
      code: "E-TEAM-VALUE",
      path,
      message: value === null || value === undefined ? "the file is empty" : "a team file is a map of sections",
      fix: "Start from examples/lab/team.yaml with a name of your own.",
    };
  const found =
    value === null ? "nothing" : Array.isArray(value) ? "a list" : typeof value === "object" ? "a map" : quote(value);
  const fixes: Readonly<Record<string, string>> = {
    "a map": "Write key: value lines below it, without leading hyphens.",
    "a list": "Write it as a list: [first, second], or one line with a leading hyphen for each.",
    text: 'Put it in quotes: "…".',
    "true or false": "Write true or false.",
  };
  return {
    code: "E-TEAM-VALUE",
    path,
    message: `${name} must be ${expected}, not ${found}`,
    fix: fixes[expected] ?? `Write ${expected}.`,
  };
}

function valueFix(name: string, value: string, fix: string): string {
  const lower = nameFix(value, fix);
  if (lower !== fix && /lower-case/.test(fix)) return lower;
  const size = /^(\d+(?:\.\d+)?)\s*([mgt])(?:i?b|)$/i.exec(value.trim());
  if (["memory", "disk", "root", "data"].includes(name) && size !== null)
    return `Write ${size[1]} ${size[2]!.toUpperCase()}B.`;
  return fix;
}

function nameFix(value: string, fix: string): string {
  const lower = value
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .replace(/-+$/, "");
  return lower === "" || lower === value || lower.length > 31 ? fix : `${fix} Such as ${lower}.`;
}

function knownList(known: readonly string[]): string {
  return `known: ${known.join(", ")}.`;
}

function quote(value: unknown): string {
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "a list" : "a map";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, segment) =>
      typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[segment] : undefined,
    root,
  );
}
