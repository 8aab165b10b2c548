import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { generatedSecrets } from "../../secrets/generated.ts";
import { projectRoot } from "../base/paths.ts";
import { loadTeam } from "../team/load.ts";
import { commandPage } from "./command-page.ts";
import { groups } from "./help.ts";
import { loadCommands } from "./load-commands.ts";

const loaded = await loadCommands();
const all = loaded.flatMap(({ command }) => [command, ...command.commands]);
const named = (command: Command): string => [command.parent?.name(), command.name()].join(" ");

it("commands.md is current (made again by: node src/cli/write-docs.ts)", () => {
  expect(readFileSync(join(projectRoot, "docs/reference/commands.md"), "utf8")).toBe(commandPage(groups, loaded));
});

it("names no default that is empty", () => {
  expect(commandPage(groups, loaded)).not.toMatch(/(?<!`)``(?!`)/);
});

it("the page on secrets names everything that is generated", async () => {
  const page = readFileSync(join(projectRoot, "docs/reference/secrets.md"), "utf8");
  const team = await loadTeam(join(projectRoot, "examples/quickstart/team.yaml"));
  const names = generatedSecrets(team).flatMap(({ paths }) => paths);
  const general = names.map((name) => name.replace(/^(hosts|agents|people)\.[^.]+/, "$1.NAME"));
  expect(general.filter((name) => !page.includes(`\`${name.replace(/\.public$/, ".private")}\``))).toEqual([]);
});

describe("help", () => {
  it.each(loaded.map(({ command }) => [command.name(), command] as const))(
    "%s leads with an example",
    (name, command) => {
      const written: string[] = [];
      command.configureOutput({ writeOut: (part) => written.push(part), getOutHelpWidth: () => 80 }).outputHelp();
      const text = written.join("");
      expect(text.slice(0, text.indexOf("Usage:"))).toMatch(/^ {2}\S/m);
      expect(text).toContain("--team <file>");
      expect(text).not.toMatch(/\(\s*unless given/);
      expect(name).not.toBe("");
    },
  );

  it("explains every command, argument and option", () => {
    const silent = all.flatMap((command) => [
      ...(command.description() === "" ? [named(command)] : []),
      ...[...command.registeredArguments, ...command.options]
        .filter(({ description }) => description === "")
        .map((one) => `${named(command)}: ${"flags" in one ? one.flags : one.name()}`),
    ]);
    expect(silent).toEqual([]);
  });
});
