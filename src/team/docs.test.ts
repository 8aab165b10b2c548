import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { projectRoot } from "../base/paths.ts";
import { teamFilePage } from "./docs.ts";
import { teamJsonSchema } from "./json-schema.ts";
import { roleNames } from "./roles.ts";

const reference = join(projectRoot, "docs", "reference");

describe("reference files (made again by: node src/team/write-docs.ts)", () => {
  it("team.schema.json is current", () => {
    expect(JSON.parse(readFileSync(join(reference, "team.schema.json"), "utf8"))).toEqual(
      JSON.parse(JSON.stringify(teamJsonSchema())),
    );
  });

  it("team-file.md is current, and explains every key", () => {
    const page = readFileSync(join(reference, "team-file.md"), "utf8");
    expect(page).toBe(teamFilePage(teamJsonSchema()));
    expect(page).not.toMatch(/\| +\|$/m);
  });

  it.each(["team.yaml", "examples/lab/team.yaml"])("%s names the schema for editors", (file) => {
    const text = readFileSync(join(projectRoot, file), "utf8");
    const schema = /^# yaml-language-server: \$schema=(\S+)/.exec(text)?.[1] ?? "";
    expect(existsSync(join(projectRoot, file, "..", schema))).toBe(true);
  });
});

it("knows every role that there is", () => {
  const roles = join(projectRoot, "roles");
  const folders = readdirSync(roles).filter((name) => existsSync(join(roles, name, "role.ts")));
  expect(roleNames).toEqual(expect.arrayContaining(folders));
});
