import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Octokit } from "@octokit/rest";
import { agentConfig } from "../../test/support/agent-config.ts";
import { Secret } from "../base/secret.ts";
import { type Clock, systemClock } from "../harness/clock.ts";
import { silentLog } from "../harness/log.ts";
import { openStore, type Store } from "../harness/store/open.ts";
import { Desk } from "../harness/tasks/desk.ts";
import { startForge } from "../rehearsal/forge/server.ts";
import { tokenHash } from "../rehearsal/forge/setup.ts";

const agents = ["athena", "hermes", "apollo", "artemis", "hera", "ares", "hestia", "zeus"];
const repositories = ["web", "api", "infra", "docs", "tools"];
/** Time goes so much faster, for the forge and for the agents: what a request takes counts as so much more. */
const scale = 10;
const minutes = 12;
/** Issues with the label that are written in that time: one a minute, for the whole team. */
const changes = 12;
const hourly = 5000;

const write = { contents: "write", issues: "write", pull_requests: "write" } as const;

export interface Looking {
  readonly scale: number;
  readonly minutes: number;
  readonly changes: number;
  /** Of a token's requests an hour, the most that any agent used. */
  readonly share: number;
  /** From a change to the moment that an agent has it in its inbox, of each agent. */
  readonly seconds: readonly number[];
}

/** Agents that look at repositories as they do without webhooks, by the whole way into their inboxes, while somebody writes issues. */
export async function looking(signal: AbortSignal): Promise<Looking> {
  const root = mkdtempSync(join(tmpdir(), "olympus-looking-"));
  const began = Date.now();
  const now = () => began + (Date.now() - began) * scale;
  const clock: Clock = { ...systemClock(scale), now };
  const logins = ["alice", ...agents];
  const forge = await startForge({
    dir: join(root, "forge"),
    clock: now,
    world: {
      users: logins.map((login) => ({ login })),
      tokens: logins.map((user) => ({ sha256: tokenHash(`token-of-${user}`), user, permissions: write })),
      repositories: repositories.map((name) => ({
        owner: "alice",
        name,
        files: { "README.md": `# ${name}\n` },
        collaborators: Object.fromEntries(agents.map((agent) => [agent, "push"])),
      })),
    },
  });
  const stores: Store[] = [];
  const desks: Desk[] = [];
  const as = (login: string) => new Octokit({ auth: `token-of-${login}`, baseUrl: forge.api });
  try {
    for (const agent of agents) {
      const store = openStore(join(root, agent));
      stores.push(store);
      const desk = deskOf(agent, forge.api, store, clock);
      desks.push(desk);
      desk.start(() => undefined);
    }
    const written = new Map<string, number>();
    for (let n = 0; n < changes; n++) {
      await wait((minutes * 60_000) / scale / changes, undefined, { signal });
      const repo = repositories[n % repositories.length]!;
      const { data } = await as("alice").issues.create({ owner: "alice", repo, title: "work", labels: ["olympus"] });
      written.set(`alice/${repo}#${data.number}`, now());
    }
    const seconds = await seen(stores, written, signal);
    const rates = await Promise.all(agents.map((agent) => as(agent).rateLimit.get()));
    const most = Math.max(...rates.map(({ data }) => data.rate.used));
    const hours = (now() - began) / 3600_000;
    return { scale, minutes, changes, share: most / hours / hourly, seconds };
  } finally {
    await Promise.all(desks.map((desk) => desk.stop()));
    for (const store of stores) store.close();
    await forge.close();
    rmSync(root, { recursive: true, force: true });
  }
}

function deskOf(agent: string, api: string, store: Store, clock: Clock): Desk {
  const config = agentConfig({
    agent,
    sandbox: {},
    scale,
    forge: {
      api,
      login: agent,
      tokenFile: "t",
      keyFile: "k",
      name: agent,
      email: `${agent}@olympus.example`,
      people: [{ login: "alice", name: "alice", command: true }],
      agents: agents.filter((one) => one !== agent).map((login) => ({ login, name: login })),
      repositories: repositories.map((name) => ({ name: `alice/${name}` })),
    },
    policy: {},
  });
  const token = new Secret("forge.token", `token-of-${agent}`);
  const key = new Secret("forge.key", "team-key");
  const parts = { config, settings: config.forge!, store, clock, log: silentLog, token, key };
  return new Desk({ ...parts, webhookSecret: undefined, obstacle: async () => undefined });
}

interface Row {
  readonly repo: string;
  readonly number: number;
  readonly at: number;
}

/** Waits until every agent has every issue; gives how late each was, s. */
async function seen(stores: readonly Store[], written: ReadonlyMap<string, number>, signal: AbortSignal) {
  for (const until = Date.now() + 120_000; ; ) {
    const rows = stores.flatMap((store) =>
      store.all<Row & object>(
        "SELECT payload ->> 'repo' AS repo, payload ->> 'number' AS number, received_at AS at FROM inbox WHERE kind = 'issue'",
      ),
    );
    if (rows.length >= stores.length * written.size)
      return rows.map(({ repo, number, at }) => (at - written.get(`${repo}#${number}`)!) / 1000);
    if (Date.now() > until) throw new Error(`${rows.length} of ${stores.length * written.size} were seen`);
    await wait(100, undefined, { signal });
  }
}
