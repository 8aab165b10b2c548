import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { commands } from "../../src/cli/commands.ts";
import { stillNeeds } from "../../src/deploy/quickstart-plan.ts";
import { documentedCommands } from "../support/documented.ts";

const globalOptions = ["--team", "--json", "--yes", "--no-input", "--debug", "--help"];
const documented = documentedCommands();

/** The command of the table with its subcommand, if the words name one. */
async function resolve(words: readonly string[]): Promise<Command | undefined> {
  const entry = commands[words[0] ?? ""];
  if (entry === undefined) return undefined;
  const program = new Command();
  const { command } = await entry.load();
  command.register(program, () => async () => undefined);
  const found = program.commands.find((one) => one.name() === words[0]);
  return found?.commands.find((one) => one.name() === words[1] || one.aliases().includes(words[1] ?? "")) ?? found;
}

describe("pages", () => {
  it("show commands", () => {
    expect(documented.length).toBeGreaterThan(20);
  });

  it.each(documented.filter(({ olympus }) => olympus !== undefined))("$where: $text", async ({ olympus }) => {
    const words = olympus!.slice(0, olympus!.includes("--") ? olympus!.indexOf("--") : undefined);
    const command = await resolve(words);
    expect(command, `no command ${words[0]}`).toBeDefined();
    const known = [...globalOptions, ...command!.options.flatMap(({ short, long }) => [short, long])];
    const used = words.filter((word) => word.startsWith("-")).map((word) => word.split("=")[0]);
    expect(used.filter((word) => !known.includes(word))).toEqual([]);
  });

  it("tell one truth about how long quickstart takes: what was measured, to a quarter", () => {
    const page = (file: string): string => readFileSync(join(projectRoot, file), "utf8");
    const told = ["README.md", "docs/getting-started.md"].map((file) =>
      /about (\d+) minutes the first time, (\d+) with a full cache, (\d+) seconds when nothing/
        .exec(page(file))
        ?.slice(1),
    );
    expect(told[0]).toEqual(told[1]);
    expect(told[0]?.slice(0, 2).map(Number)).toEqual([false, true].map((tools) => stillNeeds(false, tools).minutes));
    const measured = ["cold", "warm", "repeated at once"].map((kind) =>
      Number(
        new RegExp(`^\\| .quickstart. ${kind} \\| ([\\d.]+) s`, "m").exec(page("docs/reference/benchmarks.md"))?.[1],
      ),
    );
    const seconds = told[0]!.map((value, at) => Number(value) * (at < 2 ? 60 : 1));
    for (const [at, value] of seconds.entries()) expect(Math.abs(value / measured[at]! - 1)).toBeLessThan(0.25);
  });

  it("name only scripts that exist", () => {
    const missing = documented
      .filter(({ olympus }) => olympus === undefined)
      .filter(({ text }) => !existsSync(join(projectRoot, text.split(" ")[0]!)));
    expect(missing).toEqual([]);
  });

  it("link only to files that exist", () => {
    const broken = ["README.md", "docs/getting-started.md", "AGENTS.md"].flatMap((page) =>
      [...readFileSync(join(projectRoot, page), "utf8").matchAll(/\]\(([^)#:]+)\)/g)]
        .map(([, target]) => target!)
        .filter((target) => !existsSync(join(projectRoot, dirname(page), target)))
        .map((target) => `${page}: ${target}`),
    );
    expect(broken).toEqual([]);
  });
});
