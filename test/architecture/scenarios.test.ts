import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { projectCatalogue } from "../../src/converge/catalogue.ts";
import { provenRoles } from "../support/reset-property.ts";

const page = "docs/reference/scenarios.md";

interface Row {
  readonly id: string;
  readonly files: readonly string[];
  /** Why there is no test, or what of the scenario has none yet. */
  readonly missing: string;
}

/** Rows of the page's tables: id, scenario, tests, what is missing. */
function rows(): Row[] {
  return [...readFileSync(join(projectRoot, page), "utf8").matchAll(/^\| ([A-G#]\d+) +\| (.+) \|$/gm)].map(
    ([, id, rest]) => {
      const [, tests = "", missing = ""] = rest!.split("|").map((cell) => cell.trim());
      return { id: id!, files: [...tests.matchAll(/`([^`]+)`/g)].map(([, file]) => file!), missing };
    },
  );
}

/** Ids at the beginning of a test's name, by file: `test("D4 E14 rate limits …")`, `test("#41 #42 losing data …")`. */
function namedIn(file: string): Set<string> {
  const text = readFileSync(join(projectRoot, file), "utf8");
  // Elsewhere a number after # is an issue's, or a memory's: there no word follows.
  const names = [
    ...text.matchAll(/["'`]((?:[A-G]\d{1,2}[ "'`])+)/g),
    ...text.matchAll(/["'`]((?:#\d{1,2} )+)[A-Za-z%$]/g),
  ];
  return new Set(names.flatMap(([, ids]) => ids!.match(/[A-G#]\d{1,2}/g) ?? []));
}

const files = globSync(["{src,roles,secrets,stacks}/**/*.test.ts", "test/{contract,e2e,long}/**/*.ts"], {
  cwd: projectRoot,
});
const named = new Map(files.map((file) => [file, namedIn(file)] as const));
const all = rows();

describe(`${page} and the tests' names`, () => {
  it("has every scenario of the tables once", () => {
    const count = (table: string) => all.filter(({ id }) => id.startsWith(table)).length;
    expect(["A", "B", "C", "D", "E", "F", "G", "#"].map(count)).toEqual([16, 7, 18, 15, 13, 11, 8, 40]);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  });

  it.each(all.map((row) => [row.id, row] as const))(
    "%s names the files whose tests carry its id, or says why there are none",
    (id, row) => {
      const carrying = [...named].filter(([, ids]) => ids.has(id)).map(([file]) => file);
      expect([...row.files].sort()).toEqual(carrying.sort());
      if (carrying.length === 0) expect(row.missing).toMatch(/\w{3}/);
    },
  );

  it("names no scenario in a test that the page does not have", () => {
    const known = new Set(all.map(({ id }) => id));
    const numbers = [...named].flatMap(([file, ids]) => [...ids].map((id) => ({ file, id })));
    expect(numbers.filter(({ id }) => id.startsWith("#") && !known.has(id))).toEqual([]);
  });
});

describe(`${page} and advisories`, () => {
  const table = [
    ...readFileSync(join(projectRoot, page), "utf8").matchAll(/^\| (.+) \| (.+) \| `(\S+)`: "(.+)" \|$/gm),
  ];

  it("has every advisory that the harness was designed with, once", () => {
    const ids = table.flatMap(([, advisories]) => advisories!.match(/CVE-\d+-\d+|GHSA(-[0-9a-z]{4}){3}/g) ?? []);
    expect([ids.length, new Set(ids).size, table.length]).toEqual([24, 24, 18]);
  });

  it.each(table.map(([, advisories, , file, name]) => [advisories!, file!, name!] as const))(
    "%s is held by a test of this name in %s",
    (_, file, name) => {
      expect(files).toContain(file);
      expect(readFileSync(join(projectRoot, file), "utf8")).toContain(`test("${name}`);
    },
  );
});

it("every role has a proof that setup and reset leave a machine as it was", () => {
  expect([...new Set(provenRoles)].sort()).toEqual([...projectCatalogue().names()].sort());
});
