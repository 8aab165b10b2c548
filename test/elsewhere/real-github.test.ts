import { expect } from "vitest";
import { itElsewhere } from "../support/elsewhere.ts";
import { forgeJourney } from "../support/forge-journey.ts";

itElsewhere("real-github", "from an issue to a merge, as on the rehearsal forge", async () => {
  const { OLYMPUS_GITHUB_TOKEN: token, OLYMPUS_GITHUB_REPOSITORY: repo } = process.env;
  expect([token, repo], "a token and a scratch repository (owner/name, not protected, with a README.md)").not.toContain(
    undefined,
  );
  await forgeJourney({ api: "https://api.github.com", token: token!, repo: repo!, spaced: true });
});
