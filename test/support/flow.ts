/**
 * The whole way from a mention to a merge, on real parts: a real Mattermost, the rehearsal forge with its git and webhooks, the rehearsal
 * model, and two agents as processes of their own. Athena opens issues and reviews, apollo develops; alice approves.
 */
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Octokit } from "@octokit/rest";
import { build } from "esbuild";
import { projectRoot } from "../../src/base/paths.ts";
import { isProgress } from "../../src/harness/chat/marker.ts";
import type { AgentConfigInput } from "../../src/harness/config.ts";
import type { Exchange } from "../../src/rehearsal/forge/api.ts";
import { type RehearsalForge, startForge } from "../../src/rehearsal/forge/server.ts";
import { tokenHash } from "../../src/rehearsal/forge/setup.ts";
import { type RehearsalServer, startRehearsal } from "../../src/rehearsal/model-server.ts";
import { type FaultProxy, startFaultProxy } from "../../src/rehearsal/proxy.ts";
import { scriptSchema } from "../../src/rehearsal/script.ts";
import { agentFolder } from "./agent-process.ts";
import { type ChatPostRow, type ChatTeam, seedChatTeam } from "./chat-team.ts";
import { startMattermost } from "./mattermost.ts";
import { freePort, startService, stopService, untilReady } from "./processes.ts";

export const flowRepo = { owner: "alice", repo: "app" };
const name = `${flowRepo.owner}/${flowRepo.repo}`;
export const flowAgents = ["athena", "apollo"] as const;
export type FlowAgentName = (typeof flowAgents)[number];

/** `thinks`: seconds that the model takes for an answer. */
const scriptOf = (thinks: number) =>
  scriptSchema.parse({
    answers: [
      {
        match: "please open an issue",
        tools: [{ name: "create_issue", input: { title: "Say hello", body: "A file should say hello." } }],
        delay: thinks,
      },
      { match: "^opened (\\S+): (\\S+)", reply: "I opened it: $2", delay: thinks },
      {
        match: "^Issue #\\d+ of the repository",
        tools: [{ name: "bash", input: { script: "echo hello > hello-$(date +%s%N).txt" } }],
        delay: thinks,
      },
      {
        match: "^Review \\S+ through the lens",
        tools: [{ name: "finish_review", input: { verdict: "pass", summary: "Nothing against it.", findings: [] } }],
        delay: thinks,
      },
      {
        match: "^\\[exit code 0|restarted while this ran",
        tools: [{ name: "submit", input: { summary: "A file says hello." } }],
        delay: thinks,
      },
    ],
  });

export interface FlowAgent {
  /** Starts the process; gives back when it works. */
  start(): Promise<void>;
  /** At once, wherever it is. */
  kill(): void;
  readonly dataDir: string;
  log(): string;
}

export interface Flow {
  readonly team: ChatTeam;
  readonly forge: RehearsalForge;
  readonly model: RehearsalServer;
  readonly agents: Readonly<Record<FlowAgentName, FlowAgent>>;
  /** On the way of webhooks to the agents. */
  readonly hooks: readonly FaultProxy[];
  as(login: string): Octokit;
  /** What was said in a thread, by whom, without progress. */
  said(rootId: string): Promise<{ author: string; text: string; at: number }[]>;
  end(): Promise<void>;
}

const write = {
  contents: "write",
  issues: "write",
  pull_requests: "write",
  statuses: "write",
  administration: "write",
  webhooks: "write",
} as const;

export async function openFlow(
  observe: (exchange: Exchange) => void,
  change: { readonly scale?: number; readonly every?: number; readonly thinks?: number } = {},
): Promise<Flow> {
  const root = mkdtempSync(join(tmpdir(), "olympus-flow-"));
  const ends: (() => unknown)[] = [() => rmSync(root, { recursive: true, force: true })];
  const end = async () => {
    for (const one of ends.splice(0).reverse()) await one();
  };
  try {
    const program = join(root, "program", "agent.mjs");
    await bundleAgent(program);
    const mattermost = await startMattermost();
    ends.push(() => mattermost.stop());
    const team = await seedChatTeam(mattermost.url, flowAgents);
    const model = await startRehearsal({ script: scriptOf(change.thinks ?? 0) });
    ends.push(() => model.close());
    const logins = ["alice", ...flowAgents];
    const forge = await startForge({
      dir: join(root, "forge"),
      observe,
      world: {
        users: logins.map((login) => ({ login })),
        tokens: logins.map((user) => ({ sha256: tokenHash(`token-of-${user}`), user, permissions: write })),
        repositories: [
          {
            owner: flowRepo.owner,
            name: flowRepo.repo,
            files: { "README.md": "# app\n" },
            collaborators: { athena: "push", apollo: "push" },
            protect: { reviews: 1, admins: true },
          },
        ],
      },
    });
    ends.push(() => forge.close());
    const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
    const as = (login: string) => new Octokit({ auth: `token-of-${login}`, baseUrl: forge.api, log: quiet });
    const hooks: FaultProxy[] = [];
    const agents = {} as Record<FlowAgentName, FlowAgent>;
    for (const agent of flowAgents) {
      const port = await freePort();
      const configure = (config: AgentConfigInput): AgentConfigInput => ({
        ...config,
        chat: {
          ...config.chat,
          people: config.chat.people?.map((one) => (one.name === "alice" ? { ...one, approve: ["merge"] } : one)),
        },
        limits: { modelTimeout: 120 * (change.scale ?? 1) },
        ...(change.scale !== undefined && { scale: change.scale }),
        ...(agent === "apollo" && { sandbox: { memory: 64, disk: 64 } }),
        forge: {
          api: forge.api,
          login: agent,
          tokenFile: "forge.token",
          keyFile: "forge.key",
          name: agent,
          email: `${agent}@olympus.example`,
          people: [{ login: "alice", name: "alice", command: true, approve: ["merge"] }],
          agents: flowAgents.filter((one) => one !== agent).map((login) => ({ login, name: login })),
          repositories: [{ name, work: agent === "apollo", checks: ["test -s README.md"] }],
          ...(change.every !== undefined && { every: change.every }),
          webhook: { address: "127.0.0.1", port, secretFile: "webhook.secret" },
        },
        policy: {},
      });
      const folder = await agentFolder(join(root, agent), team, model.url, configure, agent);
      for (const [file, value] of [
        ["forge.token", `token-of-${agent}`],
        ["forge.key", "team-key"],
        ["webhook.secret", "webhook-secret"],
      ] as const)
        writeFileSync(join(folder.dir, file), value, { mode: 0o600 });
      const proxy = await startFaultProxy({ port });
      hooks.push(proxy);
      ends.push(() => proxy.close());
      await as("alice").repos.createWebhook({
        ...flowRepo,
        config: { url: `http://127.0.0.1:${proxy.port}/`, content_type: "json", secret: "webhook-secret" },
        events: ["*"],
      });
      agents[agent] = flowAgent(program, folder.dir, folder.configFile, ends);
    }
    await Promise.all(flowAgents.map((agent) => agents[agent].start()));
    const names = new Map(
      [...Object.values(team.bots), ...Object.values(team.people)].map((one) => [one.id, one.name]),
    );
    return {
      team,
      forge,
      model,
      agents,
      hooks,
      as,
      end,
      async said(rootId) {
        const thread = (await team.thread(rootId)).filter((post: ChatPostRow) => !isProgress(post.props));
        return thread.map((post) => ({
          author: names.get(post.user_id) ?? post.user_id,
          text: post.message,
          at: post.create_at,
        }));
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Bundled: it is started again and again, which takes seconds from the sources. */
async function bundleAgent(program: string): Promise<void> {
  await build({
    absWorkingDir: projectRoot,
    entryPoints: { agent: "test/support/flow-agent.ts" },
    outdir: dirname(program),
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    logLevel: "silent",
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  });
}

function flowAgent(program: string, dir: string, configFile: string, ends: (() => unknown)[]): FlowAgent {
  const log = join(dir, "harness.log");
  let child: ChildProcess | undefined;
  const read = () => readFileSync(log, "utf8");
  const starts = () => (child === undefined ? 0 : read().split('"message":"started"').length - 1);
  let wanted = 0;
  const begin = async (mine: number): Promise<void> => {
    const before = starts();
    if (child !== undefined) await stopService(child, "SIGKILL");
    child = startService(join(projectRoot, "node_modules/.bin/node"), [program, configFile], { cwd: dir, log });
    try {
      await untilReady(child, async () => starts() > before, 120_000);
    } catch (error) {
      // Killed before it worked: the next one is wanted already.
      if (wanted === mine) throw new Error(`${String(error)}\n${read().slice(-3000)}`);
    }
  };
  // One after the other, in whatever order they were killed and wanted.
  let last: Promise<void> = Promise.resolve();
  ends.push(() => child && stopService(child, "SIGKILL"));
  return {
    dataDir: join(dir, "data"),
    log: read,
    start() {
      const mine = ++wanted;
      last = last.then(() => begin(mine));
      return last;
    },
    kill() {
      child?.kill("SIGKILL");
    },
  };
}
