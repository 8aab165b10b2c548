import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { z } from "zod";
import { projectRoot } from "../../src/base/paths.ts";
import { projectCatalogue } from "../../src/converge/catalogue.ts";
import type { Role } from "../../src/converge/types.ts";

// What pages say of the roles is what the roles are: names, needs, parameters, kinds of data.
const catalogue = projectCatalogue();
const roles = await Promise.all(catalogue.names().map((name) => catalogue.load(name)));
const page = (name: string): string => readFileSync(join(projectRoot, "docs/reference", `${name}.md`), "utf8");

/** Words in backticks that stand outside of brackets: what is in brackets tells of values, or of what is within. */
const words = (cell: string): string[] =>
  [...cell.replaceAll(/\([^()]*\)/g, "").matchAll(/`([^`]+)`/g)].map(([, word]) => word!);

/** Cells of the table that begins with this head. */
function table(text: string, head: string): string[][] {
  const [, rows] = new RegExp(`^\\| ${head} \\|.*\\n\\| ---.*\\n((?:\\|.*\\n)+)`, "m").exec(text) ?? [];
  if (rows === undefined) throw new Error(`no table of ${head}`);
  return rows
    .trim()
    .split("\n")
    .map((row) =>
      row
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );
}

function parametersOf(role: Role): string[] {
  let { params } = role;
  while (!(params instanceof z.ZodObject)) params = (params as unknown as { unwrap(): Role["params"] }).unwrap();
  return Object.keys(params.shape);
}

const rows = new Map(table(page("roles"), "role").map(([name, ...rest]) => [words(name!)[0]!, rest] as const));

it("roles.md has every role once", () => {
  expect([...rows.keys()].sort()).toEqual([...catalogue.names()].sort());
});

it.each(roles.map((role) => [role.name, role] as const))(
  "roles.md tells what %s needs, takes and keeps",
  (name, role) => {
    const [, needs = "", parameters = "", data = ""] = rows.get(name)!;
    // What a parameter's value brings along is no need of the role.
    const needed = needs.split(";").filter((part) => !part.includes("where it is chosen"));
    const told = needed.flatMap((part) =>
      words(part).map((one) => ({ role: one, on: part.includes("somewhere in the team") ? "team" : "host" })),
    );
    expect(told).toEqual(role.requires);
    expect(words(parameters).sort()).toEqual(parametersOf(role).sort());
    expect(words(data)).toEqual(Object.keys(role.data ?? {}));
  },
);

/** Roles that have a page for themselves; what the others do stands on one page, a section each. */
const alone = ["dev-env", "docker", "firewall", "github", "hardening", "openclaw"];
const shared = catalogue.names().filter((name) => !alone.includes(name));
const section = (name: string): string =>
  new RegExp(`^## ${name}\\n([\\s\\S]*?)(?=^## |$(?![\\s\\S]))`, "m").exec(page("role-catalogue"))?.[1] ?? "";

it.each(alone.filter((name) => name !== "hardening"))("%s.md explains every parameter of the role", async (name) => {
  const told = table(page(name), "parameter").flatMap(([cell]) => words(cell!));
  expect(told.sort()).toEqual(parametersOf(await catalogue.load(name)).sort());
});

it("role-catalogue.md has a section for each role without a page, and leads to the pages", () => {
  const sections = [...page("role-catalogue").matchAll(/^## (.+)$/gm)].map(([, name]) => name!);
  expect(sections.sort()).toEqual([...shared].sort());
  const links = [
    ...page("role-catalogue")
      .split("\n## ")[0]!
      .matchAll(/\[([a-z-]+)\]\(\1\.md\)/g),
  ].map(([, name]) => name);
  expect(links).toEqual(alone);
});

it.each(shared)("role-catalogue.md says of %s what it takes, makes, checks, resets and refuses", async (name) => {
  const role = await catalogue.load(name);
  const text = section(name);
  const parameters = parametersOf(role);
  if (parameters.length === 0) expect(text).toContain("No parameters");
  else
    expect(
      table(text, "parameter")
        .flatMap(([cell]) => words(cell!))
        .sort(),
    ).toEqual(parameters.sort());
  for (const word of ["Setup", "Check", "Reset", "Refused"]) expect(text).toMatch(new RegExp(`^- ${word}\\b.*: `, "m"));
  // What stays at a reset is named as a purge names it.
  const reset = /^- Reset: (.*)$/m.exec(text)![1]!;
  for (const kind of Object.keys(role.data ?? {})) expect(words(reset)).toContain(kind);
});

it("the errors that these pages name are in errors.md", () => {
  const known = new Set([...page("errors").matchAll(/^### (E-[A-Z-]+)$/gm)].map(([, code]) => code));
  const named = ["role-catalogue", ...alone].flatMap((name) => page(name).match(/\bE-[A-Z][A-Z-]+[A-Z]\b/g) ?? []);
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter((code) => !known.has(code))).toEqual([]);
});

it("hardening.md shows every parameter, and what is within", async () => {
  const role = await catalogue.load("hardening");
  const text = page("hardening");
  for (const parameter of parametersOf(role)) expect(text).toMatch(new RegExp(`^ +${parameter}: `, "m"));
});
