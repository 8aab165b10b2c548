import { expect, test } from "vitest";
import { Secret } from "../base/secret.ts";
import type { LoadedTeam } from "../team/model.ts";
import { checkReviewTokens } from "./protection.ts";

const machine = (name: string, more: object = {}) => ({ name, agent: {}, roles: { github: { login: name } }, ...more });
const team = (repositories: object) =>
  ({
    team: { repositories, forge: {} },
    machines: [machine("athena"), machine("apollo"), machine("hermes"), machine("chat", { agent: undefined })],
  }) as unknown as LoadedTeam;
const has = (...paths: string[]) => ({
  get: (path: string) => (paths.includes(path) ? new Secret(path, "x") : undefined),
});

test("an agent that reviews with its token for work is told of, with what mends it", () => {
  const secrets = has("agents.athena.github", "agents.athena.github-review", "agents.apollo.github");
  expect(checkReviewTokens(team({ "zeus/app": {} }), secrets)).toEqual([
    {
      host: "apollo",
      name: "protection",
      state: "warn",
      fact: "reviews with its token for work, which may write contents",
      fix: "npx olympus secrets set agents.apollo.github-review",
    },
  ]);
  expect(checkReviewTokens(team({}), secrets)).toEqual([]);
});
