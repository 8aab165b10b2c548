import { pathToFileURL } from "node:url";
import { execa } from "execa";
import { expect, it } from "vitest";
import { projectRoot } from "../base/paths.ts";

/** What a module at the project's root comes to that resolves as the command line does. */
async function comesTo(code: string): Promise<unknown> {
  const program = `import { resolveQuickly } from "./src/cli/resolve.ts"; resolveQuickly(); console.log(JSON.stringify(${code}))`;
  const { stdout } = await execa("node_modules/.bin/node", ["--input-type=module", "-e", program], {
    cwd: projectRoot,
  });
  return JSON.parse(stdout);
}

it("loads a module once, however it is asked for: an error is of the class that others look for", async () => {
  const url = JSON.stringify(pathToFileURL(`${projectRoot}/src/base/errors.ts`).href);
  expect(
    await comesTo(`await (await import("./src/team/load.ts")).loadTeam("/nowhere/team.yaml")
      .catch(async (error) => [error.message, error instanceof (await import(${url})).OlympusError])`),
  ).toEqual(["there is no team file", true]);
});

it("says which module is missing", async () => {
  const missing = await comesTo(`await import("./src/nowhere.ts").catch(({ message }) => message)`);
  expect(missing).toContain(`${projectRoot}/src/nowhere.ts`);
});

it("takes packages from where they are packed, and others from where they are", async () => {
  expect(
    await comesTo(
      `await Promise.all(["zod", "execa"].map(async (name) => Object.keys(await import(name)).length > 5))`,
    ),
  ).toEqual([true, true]);
});
