import type { AgentInputs } from "../../roles/agent/role.ts";
import { npmPackage } from "../../roles/dev-env/npm.ts";
import { readToolsLock } from "../../roles/dev-env/pins.ts";
import { nodeRuntime } from "../../roles/node/runtime.ts";
import { openclawConfig, openclawSecrets } from "../../roles/openclaw/config.ts";
import { role } from "../../roles/openclaw/role.ts";
import { grantLine, scopes } from "../../src/base/grants.ts";
import { Secret } from "../../src/base/secret.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { publishPackage } from "./npm-registry.ts";
import type { Publisher } from "./publisher.ts";

export const openclawSecretValues = {
  "mattermost-token": "bot-canary-3f1c",
  "dashboard-token": "dashboard-canary-77aa",
} as const;

/** Where an agent's chat and model are, and as whom it is there. */
export interface Surroundings {
  readonly chat: string;
  readonly bot: { readonly id: string; readonly token: string };
  /** Who may give it tasks. */
  readonly person: { readonly id: string; readonly name: string };
  readonly model: string;
}

const nowhere: Surroundings = {
  chat: "http://127.0.0.1:9",
  bot: { id: "bot", token: openclawSecretValues["mattermost-token"] },
  person: { id: "alice", name: "alice" },
  model: "http://127.0.0.1:9",
};

/** What an agent would be told whose chat and model are nowhere, unless the test says where. */
export function agentOf(
  address: string,
  { chat, bot, person, model }: Surroundings = nowhere,
): Pick<AgentInputs, "config" | "secrets"> {
  return {
    config: {
      version: 1,
      agent: "athena",
      team: "lab",
      persona: "You look after planning.",
      chat: {
        url: chat,
        tokenFile: "mattermost-token",
        botId: bot.id,
        people: [{ id: person.id, name: person.name, command: true }],
      },
      models: [{ provider: "rehearsal", model: "rehearsal", baseUrl: model }],
      budget: { run: 1, day: 5 },
      listen: { address, port: 18789, tokenFile: "dashboard-token" },
      dataDir: "/srv/olympus/agent",
    },
    secrets: {
      "mattermost-token": new Secret("mattermost-token", bot.token),
      // The harness knows the token by its hash; OpenClaw wants itself.
      "dashboard-token": new Secret("dashboard-token", grantLine(openclawSecretValues["dashboard-token"], scopes)),
    },
  };
}

/** What the role wishes with these parameters, for such an agent. */
export async function openclawOperations(
  address: string,
  given: object,
  surroundings?: Surroundings,
): Promise<Operation[]> {
  const params = role.params.parse(given);
  const rendered = agentOf(address, surroundings) as Parameters<typeof openclawConfig>[0];
  return role.setup(
    {
      agent: "athena",
      config: openclawConfig(rendered, params.version, params.settings),
      secrets: openclawSecrets(rendered, new Secret("dashboard-token", openclawSecretValues["dashboard-token"])),
      persona: rendered.config.persona,
      node: nodeRuntime(),
      npm: await npmPackage(readToolsLock().npm.npm, AbortSignal.timeout(600_000)),
    },
    params,
  );
}

/**
 * A program of OpenClaw's shape: looks at a configuration as the real one does, and serves what the role asks for. It ends at once
 * where something it needs is not readable, and tidies up first what its install script left, where it may not write.
 */
const playedOpenclaw = `import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
const { OPENCLAW_CONFIG_PATH: path, OPENCLAW_STATE_DIR: state } = process.env;
const pending = new URL("pending", import.meta.url);
if (existsSync(pending)) rmSync(pending);
const project = join(state, "npm/projects/openclaw-mattermost-1");
if (process.argv.slice(2, 4).join() === "plugins,install") {
  mkdirSync(project, { recursive: true });
  writeFileSync(join(project, "installed-by"), readFileSync("/proc/self/status"));
  const name = process.argv[4].replace(/^npm:/, "");
  execFileSync("npm", ["install", "--prefix", project, "--ignore-scripts", "--no-audit", "--no-fund", name], { stdio: "inherit" });
  process.exit(0);
}
const config = JSON.parse(readFileSync(path, "utf8"));
const known = ["meta", "gateway", "secrets", "plugins", "channels", "models", "agents", "tools"];
const unknown = Object.keys(config).filter((key) => !known.includes(key));
const valid = unknown.length === 0 && config.gateway.bind === "loopback";
if (process.argv[2] === "config") {
  console.log(JSON.stringify({ valid, issues: unknown.map((key) => ({ path: key, message: "Unrecognized key" })) }));
  process.exit(valid ? 0 : 1);
}
if (!valid) process.exit(1);
const ref = ({ provider, id }) => JSON.parse(readFileSync(config.secrets.providers[provider].path, "utf8"))[id.slice(1)];
const token = ref(config.gateway.auth.token);
if (!ref(config.channels.mattermost.botToken)) process.exit(1);
const plugin = JSON.parse(readFileSync(join(project, "node_modules/@openclaw/mattermost/package.json"), "utf8"));
const soul = readFileSync(join(config.agents.defaults.workspace, "SOUL.md"), "utf8");
writeFileSync(join(state, "state.json"), "{}");
createServer((request, response) => {
  const open = request.url === "/healthz" || request.url === "/readyz";
  if (!open && request.headers.authorization !== "Bearer " + token) return response.writeHead(401).end();
  response.end(open ? "ok" : plugin.name + " " + plugin.version + " " + soul);
}).listen(config.gateway.port, "127.0.0.1");
`;

/** Packages of the real ones' shape, which take minutes to install: openclaw 1.0.0 with one that came along, and its plugin 1.0.1. */
export function publishOpenclaw(registry: Publisher): void {
  publishPackage(
    registry,
    {
      name: "openclaw",
      version: "1.0.0",
      // The real one's manifest is as long.
      description: "x".repeat(150_000),
      bin: { openclaw: "openclaw.mjs" },
      scripts: { postinstall: "node tidy.mjs" },
      dependencies: { native: "1.0.0" },
    },
    {
      "openclaw.mjs": playedOpenclaw,
      pending: "",
      "tidy.mjs": `import { rmSync } from "node:fs"; rmSync(new URL("pending", import.meta.url));`,
    },
  );
  publishPackage(
    registry,
    { name: "native", version: "1.0.0", scripts: { postinstall: "echo built >build" } },
    { "index.js": "" },
  );
  publishPackage(registry, { name: "@openclaw/mattermost", version: "1.0.1" }, { "index.js": "" });
}
