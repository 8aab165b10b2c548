import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newSecrets } from "../../secrets/store.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { policySchema } from "../../src/harness/policy/schema.ts";
import { parseTeam } from "../../src/team/load.ts";
import { deployUser, doorKey } from "../deploy/keys.ts";
import { renderDeploys } from "./deploys.ts";

const file = join(projectRoot, "examples/lab/team.yaml");
const deploy = `  gates:
    deploy:
      shop: { repository: zeus/shop, host: agora, command: /srv/shop/go, back: /srv/shop/back }
`;
const lab = readFileSync(file, "utf8")
  .replace(/^policy:\n/m, `policy:\n${deploy}`)
  .replace(/(\n {2}agora:\n)/, "$1    roles: { deploy: {} }\n");

test("an agent gets a key for each door, its host with the key to expect, and nothing of other agents", () => {
  const team = parseTeam(`${lab}\nrepositories:\n  zeus/shop: {}\n`, file);
  const secrets = newSecrets("/secrets.enc.yaml", []);
  secrets.set("hosts.agora.public", "ssh-ed25519 AAAA agora");
  const found = renderDeploys(team, "athena", secrets);
  expect(policySchema.parse({ deploys: found.deploys }).deploys).toMatchObject([
    {
      name: "shop",
      branch: "main",
      kind: "deploy",
      host: { name: "agora", address: "10.220.1.20", port: 22, user: deployUser, key: "ssh-ed25519 AAAA" },
      keyFile: "deploy-shop",
      backKeyFile: "deploy-shop-back",
    },
  ]);
  expect(Object.keys(found.secrets)).toEqual(["deploy-shop", "deploy-shop-back"]);
  const theirs = ["athena", "apollo"].map((agent) => doorKey(agent, "shop", secrets).public);
  expect(new Set(theirs).size).toBe(2);
  expect(found.secrets["deploy-shop"]!.reveal()).toBe(
    `${doorKey("athena", "shop", secrets).private.reveal().trim()}\n`,
  );
});
