import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { SecretStore } from "../../secrets/store.ts";
import { grantLine, readGrants, sha256 } from "../../src/base/grants.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { silentReporter } from "../../src/base/report.ts";
import { Secret } from "../../src/base/secret.ts";
import type { FileOperation, Operation, UnitOperation } from "../../src/converge/operations.ts";
import { parseAgentConfig } from "../../src/harness/config.ts";
import { listHosts } from "../../src/team/hosts.ts";
import { loadTeam } from "../../src/team/load.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import type { Team } from "../../src/team/schema.ts";
import { testRoleCases } from "../../test/support/role-cases.ts";
import { role as rehearsal } from "../rehearsal/role.ts";
import { renderAgent } from "./config.ts";
import { type AgentInputs, role } from "./role.ts";
import { shellOf } from "./shell.ts";

testRoleCases(role, join(import.meta.dirname, "cases"));

const values: Record<string, string> = {
  "mattermost.bots.athena.token": "bot-token-canary",
  "mattermost.bots.athena.id": "bot-athena",
  "mattermost.people.mara.id": "id-mara",
  "mattermost.people.olaf.id": "id-olaf",
  "agents.athena.dashboard": "dashboard-canary",
  "agents.athena.tokens.grafana": grantLine("grafana-canary", ["read"], "2127-01-31"),
  "agents.apollo.tokens.grafana": grantLine("another", ["read"]),
};
const secrets = {
  paths: () => Object.keys(values),
  get: (path: string) => (values[path] === undefined ? undefined : new Secret(path, values[path])),
  require: (path: string) => {
    if (values[path] === undefined) throw new Error(`missing ${path}`);
    return new Secret(path, values[path]);
  },
} as SecretStore;

let team: LoadedTeam;
let operations: Operation[];

const context = (name: string) => {
  const hosts = listHosts(team);
  return {
    team,
    host: hosts.find((host) => host.name === name)!,
    hosts,
    secrets,
    reporter: silentReporter(),
    signal: new AbortController().signal,
  };
};

beforeAll(async () => {
  team = await loadTeam(join(projectRoot, "examples/lab/team.yaml"));
  const params = role.params.parse({});
  operations = role.setup(await role.inputs(context("athena"), params), params);
});

test("the configuration comes from the team file and is one that the harness takes", () => {
  const { config } = renderAgent(team, team.machines.find(({ name }) => name === "athena")!, secrets);
  const parsed = parseAgentConfig(JSON.stringify(config), "agent.json");
  expect(parsed).toMatchObject({
    agent: "athena",
    chat: { url: "http://10.220.1.20:8065", botId: "bot-athena" },
    models: [{ provider: "rehearsal", baseUrl: "http://10.220.1.20:18780" }],
    listen: { address: "10.220.1.50", port: 18789 },
    dataDir: "/srv/olympus/agent",
  });
  expect(parsed.chat.people.map(({ id, name, command }) => [id, name, command])).toEqual([
    ["id-mara", "mara", true],
    ["id-olaf", "olaf", false],
  ]);
  expect(parsed.hypervisor).toBe("r420");
  expect(parsed.facts).toContain("hypervisor r420 at 10.220.1.7, carries athena");
  expect(parsed.listen.hosts).toContain("127.0.0.1:18789");
});

test("the dashboard is told its tokens by their hashes: its own, and those that were given for this agent", () => {
  const { secrets: handed } = renderAgent(team, team.machines.find(({ name }) => name === "athena")!, secrets);
  const file = handed["dashboard-token"]!.reveal();
  expect(readGrants(file, "dashboard-token")).toEqual([
    { hash: sha256("dashboard-canary"), scopes: ["read", "act", "admin"], until: undefined },
    { hash: sha256("grafana-canary"), scopes: ["read"], until: Date.parse("2127-01-31T23:59:59.999Z") },
  ]);
  expect(file).not.toContain("canary");
});

test("a key of the agent's own stands in for the team's; the team's is taken where it has none", () => {
  const models = [
    { provider: "anthropic" as const, model: "claude-sonnet-4-5-20250929" },
    { provider: "openai" as const, model: "some-new-model", key: "spare", price: { input: 1, output: 2 } },
  ];
  const athena = team.machines.find(({ name }) => name === "athena")!;
  const machine = { ...athena, agent: { ...athena.agent!, models } };
  const all: Record<string, string> = { ...values, "models.anthropic": "team's", "models.spare": "team's spare" };
  const store = (own: Record<string, string>) => {
    const get = (path: string) => {
      const value = own[path] ?? all[path];
      return value === undefined ? undefined : new Secret(path, value);
    };
    return { get, require: (path: string) => get(path)!, paths: () => [] as string[] } as unknown as SecretStore;
  };
  const keys = (own: Record<string, string>) =>
    Object.entries(renderAgent(team, machine, store(own)).secrets).map(([file, key]) => [file, key.reveal()]);
  expect(keys({})).toEqual(
    expect.arrayContaining([
      ["model-anthropic", "team's"],
      ["model-spare", "team's spare"],
    ]),
  );
  expect(keys({ "agents.athena.models.anthropic": "her own" })).toEqual(
    expect.arrayContaining([
      ["model-anthropic", "her own"],
      ["model-spare", "team's spare"],
    ]),
  );
  // Prices and windows come from the project's table where the team file has none.
  const { config } = renderAgent(team, machine, store({}));
  expect(config.models[0]).toMatchObject({ price: { input: 3, output: 15, cacheWrite: 3.75 }, window: 200_000 });
  expect(config.models[1]!.price).toEqual({ input: 1, output: 2 });
});

test("schedules and quiet hours reach the harness, at the team's place unless they name another", () => {
  const athena = team.machines.find(({ name }) => name === "athena")!;
  const shared = { at: "0 9 * * 1-5", channel: "lab/dev", task: "Report.", quiet: true };
  const schedules = { daily: shared, tokyo: { ...shared, timezone: "Asia/Tokyo" } };
  const quietHours = { from: "20:00", to: "07:00", days: ["sunday" as const] };
  const machine = { ...athena, agent: { ...athena.agent!, schedules, quietHours } };
  const parsed = parseAgentConfig(JSON.stringify(renderAgent(team, machine, secrets).config), "agent.json");
  expect(parsed.schedules.map(({ name, timezone }) => [name, timezone])).toEqual([
    ["daily", team.team.defaults.timezone],
    ["tokyo", "Asia/Tokyo"],
  ]);
  expect(parsed.quietHours).toEqual(quietHours);
});

test("the configuration says where values stand: at the agent, at the team's defaults, and nothing of what is nobody's", () => {
  const athena = team.machines.find(({ name }) => name === "athena")!;
  const origins = (own: Partial<Team["agents"][string]>, shared: Partial<Team["defaults"]> = {}) => {
    const agents = { athena: { ...team.team.agents.athena!, ...own } };
    const other = { ...team, team: { ...team.team, agents, defaults: { ...team.team.defaults, ...shared } } };
    return parseAgentConfig(JSON.stringify(renderAgent(other, athena, secrets).config), "agent.json").origins;
  };
  // As the lab has it: all of it in the defaults.
  expect(origins({})).toEqual({ models: "defaults.models", budget: "defaults.budget" });
  const quietHours = { from: "20:00", to: "07:00", days: [] };
  expect(
    origins({ budget: { run: 1, day: 2 }, limits: { runs: 2 } }, { limits: { runs: 4, calls: 4 }, quietHours }),
  ).toEqual({
    models: "defaults.models",
    budget: "agents.athena.budget",
    quietHours: "defaults.quietHours",
    "limits.runs": "agents.athena.limits.runs",
    "limits.calls": "defaults.limits.calls",
  });
  expect(origins({ models: [{ provider: "rehearsal", model: "own" }], quietHours })).toMatchObject({
    models: "agents.athena.models",
    quietHours: "agents.athena.quietHours",
  });
});

test("no secret stands in anything but files of mode 0600", () => {
  for (const operation of operations) {
    if (operation.kind === "file" && operation.content instanceof Secret) {
      expect(operation.mode).toBe("0600");
      expect(operation.path).toMatch(/^\/etc\/olympus\/secrets\//);
    } else {
      expect(JSON.stringify(operation)).not.toContain("canary");
    }
  }
  expect(operations.filter(({ kind, id }) => kind === "file" && id.startsWith("secret-"))).toHaveLength(2);
});

test("secrets that are no longer wished are removed, after the unit that asked for them was replaced", () => {
  const ids = operations.map(({ id }) => id);
  expect(ids.indexOf("unused-secrets")).toBeGreaterThan(ids.indexOf("unit"));
});

test("configuration and secrets restart the unit; database and memory are data", () => {
  const files = operations.filter((operation): operation is FileOperation => operation.kind === "file");
  for (const file of files) expect(file.restarts).toEqual(["olympus-agent.service"]);
  expect(operations.find(({ id }) => id === "data")).toMatchObject({
    path: "/srv/olympus/agent",
    owner: "olympus",
    mode: "0700",
    data: "memory",
  });
});

test("the unit runs without rights, hands secrets over as credentials, and starts again whatever happens", () => {
  const { content } = operations.find((operation): operation is UnitOperation => operation.kind === "unit")!;
  for (const line of [
    "User=olympus",
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "CapabilityBoundingSet=",
    "LoadCredential=mattermost-token:/etc/olympus/secrets/mattermost-token",
    "Restart=always",
    "MemoryMax=512M",
    // The drain limit, one chat request, and some.
    "TimeoutStopSec=55",
  ]) {
    expect(content).toContain(line);
  }
});

test("an agent that develops gets a shell: bubblewrap, limits of its machine, a unit that delegates; others keep the closed unit", async () => {
  const unit = (of: readonly Operation[]) =>
    of.find((operation): operation is UnitOperation => operation.kind === "unit")!.content;
  expect(unit(operations)).toContain("RestrictNamespaces=yes");
  expect(unit(operations)).not.toContain("Delegate");
  const host = context("athena").host.machine!;
  const developer = {
    ...host,
    memory: 2048,
    vcpu: 2,
    data: 8192,
    agent: { ...host.agent!, duties: ["development" as const] },
  };
  const sandbox = shellOf(developer, ["npm", "api.example:8443"]);
  expect(sandbox).toEqual({ memory: 1408, cpus: 2, disk: 2048, egress: ["npm", "api.example:8443"] });
  expect(shellOf(host, [])).toBeUndefined();
  const params = role.params.parse({});
  const inputs = (await role.inputs(context("athena"), params)) as AgentInputs;
  const made = role.setup({ ...inputs, config: { ...inputs.config, sandbox } }, params);
  expect(made.find(({ kind }) => kind === "package")).toMatchObject({ names: ["bubblewrap"] });
  for (const line of [
    "Delegate=cpu memory pids",
    "OOMPolicy=continue",
    "MemoryMax=1920M",
    "TasksMax=640",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=\n",
  ])
    expect(unit(made)).toContain(line);
  expect(unit(made)).not.toMatch(/ProtectControlGroups|ProtectKernelTunables|RestrictNamespaces=yes/);
  expect(() => parseAgentConfig(JSON.stringify({ ...inputs.config, sandbox: { egress: ["nmp"] } }), "f")).toThrow(
    "neither debian, npm, pypi, go nor host",
  );
});

test("the unit is not killed before the longest drain limit and one chat request are over", async () => {
  const params = role.params.parse({});
  const inputs = (await role.inputs(context("athena"), params)) as AgentInputs;
  const made = role.setup({ ...inputs, drain: 60 }, params);
  expect(made.find((operation): operation is UnitOperation => operation.kind === "unit")!.content).toContain(
    "\nTimeoutStopSec=85\n",
  );
});

test("equal inputs give equal operations", async () => {
  const params = role.params.parse({});
  expect(role.setup(await role.inputs(context("athena"), params), params)).toEqual(operations);
});

test("a configuration that the harness would refuse never leaves for a host", async () => {
  const params = role.params.parse({});
  const id = values["mattermost.bots.athena.id"]!;
  values["mattermost.bots.athena.id"] = "";
  try {
    await expect(role.inputs(context("athena"), params)).rejects.toMatchObject({
      code: "E-AGENT-CONFIG",
      where: expect.stringContaining("agent athena"),
    });
  } finally {
    values["mattermost.bots.athena.id"] = id;
  }
});

test("a missing bot token is told before any host is asked", async () => {
  const token = values["mattermost.bots.athena.token"];
  delete values["mattermost.bots.athena.token"];
  await expect((async () => role.inputs(context("athena"), role.params.parse({})))()).rejects.toThrow(
    "mattermost.bots.athena.token",
  );
  values["mattermost.bots.athena.token"] = token!;
});

test("a machine that is no agent's is refused by name", async () => {
  await expect((async () => role.inputs(context("agora"), role.params.parse({})))()).rejects.toMatchObject({
    code: "E-ROLE-HOST",
    exit: 1,
    where: "agora",
  });
});

test("the rehearsal model listens where the agents look for it", async () => {
  const params = rehearsal.params.parse({});
  const made = rehearsal.setup(await rehearsal.inputs(context("agora"), params), params);
  const unit = made.find((operation): operation is UnitOperation => operation.kind === "unit")!;
  expect(unit.content).toContain("--listen 10.220.1.20:18780");
  expect(unit.content).toContain("DynamicUser=yes");
  expect(rehearsal.params.safeParse({ answers: [{ match: "(", reply: "x" }] }).success).toBe(false);
});

test.each([
  ["debian-12", false, 0],
  ["ubuntu-22.04", false, 1],
  ["ubuntu-24.04", true, 0],
])("on %s an agent that develops: a profile for bubblewrap %s, warnings %i", async (image, profile, warnings) => {
  const plain = context("athena");
  const machine = plain.host.machine!;
  const params = role.params.parse({});
  const inputs = async (duties: readonly string[]): Promise<AgentInputs> => {
    const host = { ...plain.host, machine: { ...machine, image, agent: { ...machine.agent!, duties } } };
    return (await role.inputs({ ...plain, host } as never, params)) as AgentInputs;
  };
  expect((await inputs(["development"])).profile).toBe(profile);
  expect(plain.reporter.lines).toHaveLength(warnings);
  expect((await inputs(["orchestration"])).profile).toBe(false);
  expect(plain.reporter.lines).toHaveLength(warnings);
});
