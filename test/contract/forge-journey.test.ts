import { rmSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TriedForge, tryForge } from "../support/forge.ts";
import { forgeJourney } from "../support/forge-journey.ts";

// Also run against GitHub where a token and a scratch repository are given: test/elsewhere/real-github.test.ts.
let tried: TriedForge;
beforeAll(async () => {
  tried = await tryForge();
});
afterAll(async () => {
  await tried.forge.close();
  rmSync(tried.dir, { recursive: true });
});

test("from an issue to a merge as on GitHub, in answers that GitHub's descriptions allow", async () => {
  await forgeJourney({ api: tried.forge.api, token: "token-of-zeus", repo: "zeus/app", spaced: false });
  expect(tried.wrong).toEqual([]);
  const { data: open } = await tried.as("token-of-zeus").issues.listForRepo({ owner: "zeus", repo: "app" });
  expect(open).toEqual([]);
});
