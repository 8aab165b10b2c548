import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { projectRoot } from "../base/paths.ts";
import { parseTeam } from "../team/load.ts";
import { projectCatalogue } from "./catalogue.ts";
import { wrongParams } from "./params.ts";

const file = join(projectRoot, "examples/lab/team.yaml");
const lab = readFileSync(file, "utf8");

/** What is wrong in the lab's file with these roles of athena and defaults: `line column message | what the carets point at | fix`. */
async function found(own: string, defaults = "{}"): Promise<string[]> {
  const text = lab
    .replace(/^( {2}athena:\n)/m, `$1    roles: ${own}\n`)
    .replace(/^ {4}dev-env: \{ source: registries \}/m, `    base: ${defaults}`);
  const errors = await wrongParams(parseTeam(text, file), projectCatalogue());
  return errors.map(({ where, message, excerpt = "", hint, code, exit }) => {
    expect([code, exit]).toEqual(["E-ROLE-PARAMS", 1]);
    const [line = "", carets = ""] = excerpt.split("\n");
    const [, at] = /:(\d+):\d+$/.exec(where ?? "") ?? [];
    expect(line).toContain(text.split("\n")[Number(at) - 1]);
    return `${message} | ${line.slice(carets.indexOf("^"), carets.length)} | ${hint}`;
  });
}

it("finds nothing in what the lab has, and nothing in parameters that are right", async () => {
  expect(await wrongParams(parseTeam(lab, file), projectCatalogue())).toEqual([]);
  expect(await found("{ base: { packages: [htop] } }")).toEqual([]);
});

it("names what is wrong as in the rest of the team file: place, line, what is known and what was probably meant", async () => {
  expect(
    await found("{ base: { pakages: [htop], upgrades: { whta: all } }, backup: { keepDays: soon }, github: {} }"),
  ).toEqual([
    expect.stringMatching(/^unknown key "whta" in upgrades \| whta \| known: what, restartAt\. Did you mean what\?$/),
    expect.stringMatching(/^unknown key "pakages" in the role base \| pakages \| known: .*Did you mean packages\?$/),
    'keepDays must be a number, not "soon" | soon | Write a number.',
    expect.stringMatching(/^the role github has no login \| github \| Add login: …/),
  ]);
});

it("tells what is wrong in the defaults once, at its own line, though every host has it", async () => {
  expect(await found("{ base: { packages: [htop] } }", "{ pakages: [htop] }")).toEqual([
    expect.stringMatching(/^unknown key "pakages" in the role base \| pakages \| /),
  ]);
});
