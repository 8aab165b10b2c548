import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, it } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { commands } from "../../src/cli/commands.ts";

/**
 * Who reads a hint types it as it stands: `npx olympus status` works in this folder for everybody, `olympus status` only where
 * somebody put it on PATH. So whatever is printed says `npx olympus`.
 */
const untypable = new RegExp(
  `(?:(?<![\\w/.-])|(?<=\\\\n))(?<!npx )olympus (?:(?:${Object.keys(commands).join("|")}|help)\\b|<|--[a-z])`,
);

/** Words for the team file's reference, which speak of commands and give none. */
const prose = ["src/team/schema.ts"];

const files = ["src", "stacks", "vm-templates", "cloud-init", "roles", "secrets"].flatMap((folder) =>
  readdirSync(join(projectRoot, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => join(folder, name))
    .filter((file) => !prose.includes(file)),
);

/** Strings of a source file as they are written there; not its comments. */
function stringsOf(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(join(projectRoot, file), "utf8"), ts.ScriptTarget.Latest);
  const found: string[] = [];
  const walk = (node: ts.Node): void => {
    const isPart = ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node);
    if (ts.isStringLiteralLike(node) || isPart) found.push(node.getText(source));
    ts.forEachChild(node, walk);
  };
  walk(source);
  return found;
}

it("every command that is printed can be typed as it stands", { timeout: 60_000 }, () => {
  const wrong = files
    // Reading all is quick, taking all apart is not.
    .filter((file) => untypable.test(readFileSync(join(projectRoot, file), "utf8")))
    .flatMap((file) =>
      stringsOf(file)
        .filter((text) => untypable.test(text))
        .map((text) => `${file}: ${text.slice(0, 100)}`),
    );
  expect(wrong).toEqual([]);
  for (const text of ["see olympus status", "`no`\\nolympus logs athena", "olympus --help"])
    expect(text).toMatch(untypable);
  for (const text of ["npx olympus status", "user olympus may", "/olympus lab"]) expect(text).not.toMatch(untypable);
});
