import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { generateTeam } from "../team/generate.ts";
import { parseTeam } from "../team/load.ts";
import { projectCatalogue } from "./catalogue.ts";

const folder = mkdtempSync(join(tmpdir(), "olympus-catalogue-"));
afterAll(() => rmSync(folder, { recursive: true }));

it("knows the project's roles, and those beside the team file, which win", async () => {
  for (const name of ["ours", "base"]) {
    mkdirSync(join(folder, "roles", name), { recursive: true });
    writeFileSync(
      join(folder, "roles", name, "role.ts"),
      `export const role = { name: "${name}", summary: "mine" };\n`,
    );
  }
  mkdirSync(join(folder, "roles", "unfinished"));
  const catalogue = projectCatalogue(join(folder, "team.yaml"));
  expect(catalogue.names()).toEqual(expect.arrayContaining(["agent", "base", "ours"]));
  expect(catalogue.names()).not.toContain("unfinished");
  expect(await catalogue.load("ours")).toMatchObject({ name: "ours", summary: "mine" });
  expect(await catalogue.load("base")).toMatchObject({ summary: "mine" });
  await expect(catalogue.load("our")).rejects.toMatchObject({ code: "E-UNKNOWN" });
  expect(projectCatalogue().names()).not.toContain("ours");
});

it("lets the team file name roles of the team's own", () => {
  const text = generateTeam({ agents: 1 }).replace("\ndefaults:\n", "\ndefaults:\n  roles: { ours: , theirs: }\n");
  expect(() => parseTeam(text, join(folder, "team.yaml"))).toThrow(
    expect.objectContaining({ errors: [expect.objectContaining({ message: 'unknown role "theirs"' })] }),
  );
});
