/** Agents that work on the rehearsal forge, with a chat in memory and models that functions play. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Secret } from "../../src/base/secret.ts";
import { linksAfter } from "../../src/harness/audit/audit.ts";
import type { FakeChatServer } from "../../src/harness/chat/fake.ts";
import { systemClock } from "../../src/harness/clock.ts";
import type { AgentConfig, AgentConfigInput } from "../../src/harness/config.ts";
import { serveProxy } from "../../src/harness/egress/proxy.ts";
import { github } from "../../src/harness/forge/github.ts";
import type { Forge } from "../../src/harness/forge-port.ts";
import { Harness } from "../../src/harness/harness.ts";
import { silentLog } from "../../src/harness/log.ts";
import { Workshop } from "../../src/harness/loop/workshop.ts";
import type { ModelReply, ModelRequest, ToolCall } from "../../src/harness/model-port.ts";
import { policySchema } from "../../src/harness/policy/schema.ts";
import { openStore, type Store } from "../../src/harness/store/open.ts";
import { noteRefusal } from "../../src/harness/store/steps.ts";
import { Desk } from "../../src/harness/tasks/desk.ts";
import type { ForgeParts } from "../../src/harness/tasks/parts.ts";
import { agentConfig } from "./agent-config.ts";
import { plainSandbox } from "./plain-sandbox.ts";

export const teamKey = new Secret("forge.key", "team-key-of-the-tests");
export const app = "zeus/app";

/** A reply's text, or the tool that it calls. */
export type Turn = string | Pick<ToolCall, "name" | "input">;
export type ForgePlay = (request: ModelRequest) => Turn;

type ForgeInput = NonNullable<AgentConfigInput["forge"]>;

export interface ForgeAgent {
  readonly parts: ForgeParts;
  readonly store: Store;
  readonly calls: ModelRequest[];
  /** Entries of the audit log, as `actor what subject`. */
  audited(): string[];
  /** How its runs of a kind ended, by what they were about. */
  ended(kind: string): { lane: string; outcome: string }[];
  harness: Harness;
  start(): Promise<void>;
  stop(): Promise<void>;
  close(): Promise<void>;
}

export function forgeConfig(
  agent: string,
  api: string,
  agents: readonly string[],
  dir: string,
  change: Partial<ForgeInput> = {},
): AgentConfig {
  return agentConfig({
    agent,
    persona: "You work.",
    chat: {
      maxAgeHours: 1e6,
      people: [{ id: "alice-id", name: "alice", command: true, approve: ["merge"] }],
      agents: agents.filter((name) => name !== agent).map((name) => ({ id: `${name}-id`, name })),
    },
    models: [{ provider: "rehearsal", model: "rehearsal", baseUrl: "http://model", price: { input: 1, output: 1 } }],
    dataDir: dir,
    sandbox: { memory: 64, disk: 64 },
    scale: 20,
    forge: {
      api,
      login: agent,
      tokenFile: "t",
      keyFile: "k",
      name: agent,
      email: `${agent}@olympus.example`,
      people: [{ login: "zeus", name: "alice", command: true, approve: ["merge"] }],
      agents: agents.filter((name) => name !== agent).map((name) => ({ login: name, name })),
      repositories: [{ name: app, checks: ["test -s README.md"] }],
      every: 4,
      ...change,
    },
  });
}

export async function forgeAgent(
  agent: string,
  api: string,
  agents: readonly string[],
  chat: FakeChatServer,
  play: ForgePlay,
  {
    change = {},
    wrap = (forge) => forge,
    policy,
    now = Date.now,
    reviewToken,
  }: {
    change?: Partial<ForgeInput>;
    wrap?: (forge: Forge) => Forge;
    policy?: AgentConfigInput["policy"];
    now?: () => number;
    /** For its reviews; its desk then makes its own ways to the forge, as outside of tests. */
    reviewToken?: Secret;
  } = {},
): Promise<ForgeAgent> {
  const dir = mkdtempSync(join(tmpdir(), `olympus-forge-agent-${agent}-`));
  const bare = forgeConfig(agent, api, agents, dir, change);
  const config = policy === undefined ? bare : { ...bare, policy: policySchema.parse(policy) };
  const store = openStore(dir);
  const clock = { ...systemClock(config.scale), now };
  const token = new Secret("forge.token", `token-of-${agent}`);
  const forge = wrap(github({ api, token, store, clock, log: silentLog, spaced: false }));
  const settings = config.forge!;
  const parts: ForgeParts = { config, settings, forge, token, key: teamKey, store, clock, log: silentLog };
  const calls: ModelRequest[] = [];
  // Nothing is allowed out.
  const refused = (run: string, target: string) => noteRefusal(store, run, target, clock.now());
  const sandbox = plainSandbox(join(dir, "workspaces"), (server, run, signal) =>
    serveProxy({ server, run, rules: [], log: silentLog, refused, signal }),
  );
  const { forge: _, ...alone } = parts;
  const desk = { webhookSecret: undefined, obstacle: async () => undefined };
  const begin = (): Harness =>
    new Harness({
      config,
      store,
      chat: chat.client(`${agent}-id`),
      clock,
      log: silentLog,
      secrets: [token, teamKey],
      workshop: new Workshop(async () => ({ sandbox, hosts: [] }), silentLog),
      desk: new Desk(reviewToken === undefined ? { ...parts, ...desk } : { ...alone, ...desk, reviewToken }),
      models: {
        call: async (_, request): Promise<ModelReply> => {
          calls.push(request);
          const turn = play(request);
          const usage = { finish: "stop" as const, inputTokens: 10, cachedTokens: 0, outputTokens: 10 };
          return typeof turn === "string"
            ? { text: turn, ...usage }
            : { text: "", ...usage, calls: [{ id: `c${calls.length}`, ...turn }] };
        },
      },
    });
  const played: ForgeAgent = {
    parts,
    store,
    calls,
    audited: () =>
      linksAfter(store, 0, 100_000).map(({ entry }) => {
        const { actor, what, subject } = JSON.parse(entry) as { actor: string; what: string; subject?: string };
        return `${actor} ${what} ${subject ?? ""}`.trim();
      }),
    ended: (kind) =>
      store.all("SELECT lane, outcome FROM runs WHERE kind = ? AND ended_at IS NOT NULL ORDER BY ended_at, id", kind),
    harness: begin(),
    start: () => played.harness.start(),
    stop: () => played.harness.stop(),
    async close() {
      await played.harness.stop();
      store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return played;
}
