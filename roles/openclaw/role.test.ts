import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { SecretStore } from "../../secrets/store.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { Secret } from "../../src/base/secret.ts";
import type { RoleContext } from "../../src/converge/types.ts";
import { listHosts } from "../../src/team/hosts.ts";
import { parseTeam } from "../../src/team/load.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { testRoleCases } from "../../test/support/role-cases.ts";
import { renderAgent } from "../agent/config.ts";
import { openclawConfig, openclawSecrets } from "./config.ts";
import { role } from "./role.ts";
import { openclawUnit } from "./unit.ts";

testRoleCases(role, join(import.meta.dirname, "cases"));

const file = join(projectRoot, "examples/lab/team.yaml");
const lab = readFileSync(file, "utf8");
const onOpenclaw = lab.replace("    duties: [orchestration]\n", "    duties: [orchestration]\n    runtime: openclaw\n");
const secrets = {
  get: (path: string) => new Secret(path, `${path}-canary`),
  require: (path: string) => new Secret(path, `${path}-canary`),
  paths: (): string[] => [],
} as Partial<SecretStore> as SecretStore;

function rendered(text = onOpenclaw) {
  const team = parseTeam(text, file);
  return renderAgent(team, machineOf(team), secrets);
}
const machineOf = (team: LoadedTeam) => team.machines.find(({ name }) => name === "athena")!;

test("the team file chooses the runtime: one role takes the other's place, and parameters of the other mean nothing", () => {
  const rolesOf = (text: string): string[] => Object.keys(machineOf(parseTeam(text, file)).roles);
  expect(rolesOf(lab)).toEqual(expect.arrayContaining(["base", "node", "agent"]));
  expect(rolesOf(lab)).not.toContain("openclaw");
  const both = onOpenclaw.replace("  roles:\n", "  roles:\n    agent: { memoryMax: 600 }\n");
  expect(rolesOf(both)).toContain("openclaw");
  expect(rolesOf(both)).not.toContain("agent");
  expect(() => parseTeam(onOpenclaw.replace("runtime: openclaw", "runtime: opencla"), file)).toThrow(/1 problem/);
});

test("OpenClaw is told what the harness would be told, and only those who may command reach it", () => {
  const config = openclawConfig(rendered(), "2026.9.6", {});
  expect(config).toMatchObject({
    gateway: { bind: "loopback", port: 18789 },
    channels: {
      mattermost: {
        baseUrl: "http://10.220.1.20:8065",
        dmPolicy: "allowlist",
        allowFrom: ["mattermost.people.mara.id-canary", "mattermost.people.kim.id-canary"],
        groupAllowFrom: ["mattermost.people.mara.id-canary", "mattermost.people.kim.id-canary"],
      },
    },
    agents: { defaults: { model: { primary: "olympus-0/rehearsal", fallbacks: [] } } },
    models: { providers: { "olympus-0": { baseUrl: "http://10.220.1.20:18780/v1", api: "openai-completions" } } },
  });
});

test("no secret stands in the configuration; all are handed on in one that shows nothing", () => {
  const text = onOpenclaw.replace(
    "provider: rehearsal, model: rehearsal",
    "provider: anthropic, model: claude-opus-4-5",
  );
  const one = rendered(text);
  const config = JSON.stringify(openclawConfig(one, "2026.9.6", {}));
  expect(config).not.toMatch(/(token|anthropic)-canary/);
  expect(config).toContain('{"source":"file","provider":"olympus","id":"/model-anthropic"}');
  const token = secrets.require("agents.athena.dashboard");
  expect(String(openclawSecrets(one, token))).toBe("[secret:openclaw]");
  expect(JSON.parse(openclawSecrets(one, token).reveal())).toEqual({
    "mattermost-token": "mattermost.bots.athena.token-canary",
    "dashboard-token": "agents.athena.dashboard-canary",
    "model-anthropic": "agents.athena.models.anthropic-canary",
  });
});

test("settings of the team add to the configuration and open nothing", () => {
  expect(openclawConfig(rendered(), "2026.9.6", {})).toMatchObject({
    channels: { mattermost: { replyToMode: "all" } },
  });
  const config = openclawConfig(rendered(), "2026.9.6", {
    gateway: { bind: "lan", reload: { mode: "off" } },
    channels: { mattermost: { dmPolicy: "open", replyToMode: "off" } },
    tools: { profile: "minimal" },
  });
  expect(config).toMatchObject({
    gateway: { bind: "loopback", reload: { mode: "off" } },
    channels: { mattermost: { dmPolicy: "allowlist", replyToMode: "off" } },
    tools: { profile: "minimal" },
  });
});

test("the role is for agents that run on it", async () => {
  const team = parseTeam(lab, file);
  const context = { team, hosts: listHosts(team), host: listHosts(team)[0]!, secrets } as unknown as RoleContext;
  await expect(role.inputs(context, role.params.parse({}))).rejects.toMatchObject({ code: "E-ROLE-HOST" });
});

test.each([{ version: "latest" }, { plugin: "^2026.9.5" }, { memoryMax: 64 }, { registry: "x" }, { port: 1 }])(
  "bad parameters are refused: %j",
  (params) => {
    expect(role.params.safeParse(params).success).toBe(false);
  },
);

test("the unit is shut in, and names no secret", () => {
  const unit = openclawUnit({ agent: "athena", node: "/n", version: "1.0.0", memoryMax: 2048, authority: undefined });
  for (const line of ["NoNewPrivileges=yes", "ProtectSystem=strict", "Conflicts=olympus-agent.service"]) {
    expect(unit).toContain(`${line}\n`);
  }
  expect(unit).not.toMatch(/token|key/i);
});
