import { expect, it } from "vitest";
import { forgePages } from "./forge.ts";
import type { LoadedTeam } from "./model.ts";

it.each([
  ["https://api.github.com", "https://github.com/olympus/app"],
  ["https://api.acme.ghe.com/", "https://acme.ghe.com/olympus/app"],
  ["https://git.example/api/v3", "https://git.example/olympus/app"],
])("with the API at %s leads to a repository at %s", (api, url) => {
  const pages = forgePages({ machines: [], team: { forge: { api } } } as unknown as LoadedTeam);
  expect(`${pages}/olympus/app`).toBe(url);
});
