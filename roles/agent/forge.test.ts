import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newSecrets } from "../../secrets/store.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { parseTeam } from "../../src/team/load.ts";
import { renderForge } from "./forge.ts";

const file = join(projectRoot, "examples/lab/team.yaml");
const lab = readFileSync(file, "utf8");
const account = (text: string) => text.replace(/(\n {2}athena:\n)/, "$1    roles: { github: { login: athena-bot } }\n");

function rendered(text: string, more: Readonly<Record<string, string>> = {}) {
  const team = parseTeam(text, file);
  const secrets = newSecrets("/secrets.enc.yaml", []);
  secrets.set("agents.athena.github", "token");
  secrets.set("team.hmac", "key");
  secrets.set("forge.webhook", "signs hooks");
  for (const [path, value] of Object.entries(more)) secrets.set(path, value);
  return renderForge(team, team.machines.find(({ name }) => name === "athena")!, secrets);
}

test("without repositories, or without an account, an agent has no forge", () => {
  expect(rendered(account(lab))).toBeUndefined();
  expect(rendered(`${lab}\nrepositories:\n  zeus/app: {}\n`)).toBeUndefined();
});

test("an agent with an account works where it is named, with the repository's checks; tokens go as secrets", () => {
  const more = "repositories:\n  zeus/app: { agents: [athena], checks: [npm test] }\n  zeus/other: { label: work }\n";
  const found = rendered(`${account(lab)}\n${more}`);
  expect(found?.forge).toMatchObject({
    api: "https://api.github.com",
    login: "athena-bot",
    name: "athena",
    repositories: [
      { name: "zeus/app", work: true, label: "olympus", checks: ["npm test"] },
      { name: "zeus/other", label: "work", checks: [] },
    ],
  });
  expect(Object.keys(found?.secrets ?? {})).toEqual(["forge-token", "team-key"]);
  expect(JSON.stringify(found)).not.toContain('"token"');
});

test("webhooks, where the team wants them, are listened for on the agent's own address, and checked with a secret", () => {
  const more = "repositories:\n  zeus/app: { agents: [athena] }\nforge: { webhooks: true }\n";
  const found = rendered(`${account(lab)}\n${more}`);
  expect(found?.forge.webhook).toEqual({ address: "10.220.1.50", port: 18782, secretFile: "forge-webhook" });
  expect(found?.secrets["forge-webhook"]?.reveal()).toBe("signs hooks");
});

test("values that were set with a line's end are lines without empty ones between", () => {
  const more = "repositories:\n  zeus/app: { agents: [athena] }\nforge: { webhooks: true }\n";
  const found = rendered(`${account(lab)}\n${more}`, {
    "team.hmac": "key\n",
    "rotation.team.hmac.next.key": "\nnext\n",
    "rotation.team.hmac.old.key": "old\r\n",
    // Given to nobody any more.
    "rotation.team.hmac.ended.key": "ended",
    "forge.webhook": "hooks\n\n",
    "rotation.forge.webhook": "old hooks\n",
  });
  expect(found?.secrets["team-key"]?.reveal()).toBe("key\nnext\nold");
  expect(found?.secrets["forge-webhook"]?.reveal()).toBe("hooks\nold hooks");
});

test("an agent that is not there is named, with those that are", () => {
  const wrong = `${lab}\nrepositories:\n  zeus/app: { agents: [athen] }\n`;
  const problem = { message: expect.stringContaining('unknown agent "athen"') as string };
  expect(() => parseTeam(wrong, file)).toThrow(
    expect.objectContaining({ errors: [expect.objectContaining(problem)] }) as Error,
  );
});
