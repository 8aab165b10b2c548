import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { generatedSecrets } from "../../secrets/generated.ts";
import { newSecrets } from "../../secrets/store.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { tokenHash, worldSchema } from "../../src/rehearsal/forge/setup.ts";
import { parseTeam } from "../../src/team/load.ts";
import { testRoleCases } from "../../test/support/role-cases.ts";
import { renderForge } from "../agent/forge.ts";
import { role } from "./role.ts";
import { worldOf } from "./world.ts";

testRoleCases(role, join(import.meta.dirname, "cases"));

const file = join(projectRoot, "examples/lab/team.yaml");
const text = `${readFileSync(file, "utf8")
  .replace("services: [chat, rehearsal]", "services: [chat, rehearsal, forge]")
  .replace("    name: Mara\n", "    name: Mara\n    github: mara\n")}
repositories:
  olympus/greet: { checks: [node --test] }
`;
const team = parseTeam(text, file);
const secrets = newSecrets("/secrets.enc.yaml", []);
for (const { paths, make } of generatedSecrets(team))
  for (const [at, value] of make().entries()) secrets.set(paths[at]!, value);
const world = worldSchema.parse(worldOf(team, secrets));
const owner = (path: string) => world.tokens.find(({ sha256 }) => sha256 === tokenHash(secrets.require(path).reveal()));

test("every agent has an account, a token for work and one that writes no contents; neither may administer", () => {
  expect(world.users.map(({ login, type }) => [login, type])).toEqual([
    ["olympus", "Organization"],
    ["athena", "User"],
    ["mara", "User"],
  ]);
  expect(owner("agents.athena.github")).toMatchObject({ user: "athena", permissions: { contents: "write" } });
  expect(owner("agents.athena.github-review")).toMatchObject({ user: "athena", permissions: { contents: "read" } });
  for (const { user, permissions, repositories } of world.tokens)
    expect([user, permissions.administration, repositories]).toEqual(
      user === "mara" ? ["mara", "write", undefined] : ["athena", undefined, ["olympus/greet"]],
    );
});

test("a repository begins with something to work on, and its branch wants a person's approval", () => {
  expect(world.repositories).toMatchObject([
    {
      owner: "olympus",
      name: "greet",
      collaborators: { athena: "push", mara: "admin" },
      protect: { reviews: 1, admins: true, force: false },
    },
  ]);
  expect(Object.keys(world.repositories[0]!.files)).toContain("greet.test.mjs");
});

test("agents work on the team's own forge, by their own names", () => {
  const athena = team.machines.find(({ name }) => name === "athena")!;
  const rendered = renderForge(team, athena, secrets);
  expect(rendered?.forge).toMatchObject({
    api: "http://10.220.1.20:18781/api/v3",
    login: "athena",
    reviewTokenFile: "forge-review-token",
    people: [{ login: "mara", name: "mara", command: true }],
  });
  expect(Object.keys(rendered?.secrets ?? {})).toEqual(["forge-token", "team-key", "forge-review-token"]);
});

test("the machine gets hashes of tokens, none of them itself", async () => {
  const host = { name: "agora", address: "10.220.1.20" };
  const inputs = await role.inputs({ team, host, hosts: [], secrets } as never, {});
  const told = JSON.stringify(role.setup(inputs, {}));
  for (const path of secrets.paths()) expect(told).not.toContain(secrets.require(path).reveal());
  expect(told).toContain("--listen 10.220.1.20:18781");
});
