import { join } from "node:path";
import { expect, test } from "vitest";
import { generatedSecrets } from "../../secrets/generated.ts";
import { newSecrets } from "../../secrets/store.ts";
import { Secret } from "../../src/base/secret.ts";
import type { RoleContext } from "../../src/converge/types.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { testRoleCases } from "../../test/support/role-cases.ts";
import { ghHosts } from "./files.ts";
import { role } from "./role.ts";

testRoleCases(role, join(import.meta.dirname, "cases"));

const host = (name: string, github?: object) => ({
  name,
  roles: github === undefined ? {} : { github },
  machine: { agent: { email: `${name}@olympus.example` } },
});

function inputs(params: object, values: Readonly<Record<string, string>>, on = "athena") {
  const secrets = newSecrets("/secrets.enc.yaml", []);
  for (const [path, value] of Object.entries(values)) secrets.set(path, value);
  const service = { name: "agora", roles: {}, machine: {} };
  const hosts = [host("athena", params), host("apollo", { email: "gh@apollo.example" }), service];
  const context = { team: {}, host: hosts.find(({ name }) => name === on), hosts, secrets };
  return role.inputs(context as unknown as RoleContext, role.params.parse(params));
}

const key = { "agents.athena.signing.private": "key", "agents.athena.signing.public": "ssh-ed25519 AAAA a" };

test("the identity is the agent's, and every agent with a key may sign", async () => {
  const values = { ...key, "agents.athena.github": "t", "agents.apollo.signing.public": "ssh-ed25519 BBBB b" };
  expect(await inputs({ login: "athena-bot" }, values)).toMatchObject({
    identity: { name: "athena", email: "athena@olympus.example" },
    signers: [
      { email: "athena@olympus.example", key: "ssh-ed25519 AAAA a" },
      { email: "gh@apollo.example", key: "ssh-ed25519 BBBB b" },
    ],
  });
});

test("without a token or a key nothing begins, and the command that brings it is named", () => {
  expect(() => inputs({ login: "a" }, key)).toThrow(
    expect.objectContaining({ code: "E-SECRET-MISSING", hint: "npx olympus secrets set agents.athena.github" }),
  );
  expect(() => inputs({ login: "a" }, { "agents.athena.github": "t" })).toThrow(
    expect.objectContaining({ code: "E-SECRET-MISSING", hint: "npx olympus secrets init" }),
  );
  expect(() => inputs({ login: "a" }, key, "agora")).toThrow(expect.objectContaining({ code: "E-ROLE-HOST" }));
});

test.each([{}, { login: "-a" }, { login: "a b" }, { login: "a", name: "a <b>" }, { login: "a", email: "x" }])(
  "bad words are refused: %j",
  (params) => {
    expect(role.params.safeParse(params).success).toBe(false);
  },
);

test("gh's file shows nothing when it is printed, and takes any token", () => {
  const file = ghHosts("athena-bot", new Secret("token", 'gh"p: #\n'));
  expect(String(file)).toBe("[secret:token]");
  expect(file.reveal()).toContain('oauth_token: "gh\\"p: #"\n');
});

test("a key for signing is made for agents that have the role, and for no others", () => {
  const machines = [
    { name: "athena", roles: { github: {} } },
    { name: "agora", roles: {} },
  ];
  const team = { name: "lab", machines, team: { agents: {}, forge: { webhooks: false } } } as unknown as LoadedTeam;
  const made = generatedSecrets(team).flatMap(({ paths }) => paths);
  expect(made.filter((path) => path.includes("signing"))).toEqual([
    "agents.athena.signing.private",
    "agents.athena.signing.public",
  ]);
});
