import { rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { projectRoot, stateRoot } from "../../src/base/paths.ts";
import { documentedCommands } from "../support/documented.ts";
import { olympus, olympusOk } from "../support/olympus.ts";

// A lab of its own: a person's stays as it is.
process.env.OLYMPUS_STATE = join(projectRoot, ".olympus", "long");

const remove = async (): Promise<void> => {
  await olympusOk(["lab", "down"]);
  await rm(stateRoot(), { recursive: true, force: true });
};

beforeAll(async () => {
  await remove();
  await execa(join(projectRoot, "scripts/quickstart"), ["--yes"], { stdin: "ignore", stderr: "inherit" });
}, 3_600_000);

afterAll(remove, 300_000);

// These have tests of their own: they take machines or the lab away, or ask for what only a person has.
const elsewhere = /^(lab down|destroy|rebuild|role reset|pin|secrets)/;
const shown = documentedCommands().filter(({ where }) => /^(README|docs\/getting-started)\.md/.test(where));
const texts = new Map(shown.flatMap(({ text, olympus: words }) => (words === undefined ? [] : [[text, words]])));

it.each([...texts].filter(([, words]) => !elsewhere.test(words.join(" "))))(
  "a reader can type: %s",
  async (_, words) => {
    const result = await olympus(words);
    expect(result.code, `${result.stdout}\n${result.stderr}`).toBe(0);
  },
);
