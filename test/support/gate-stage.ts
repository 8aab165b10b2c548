import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Octokit } from "@octokit/rest";
import { Secret } from "../../src/base/secret.ts";
import { linksAfter } from "../../src/harness/audit/audit.ts";
import { parseAgentConfig } from "../../src/harness/config.ts";
import { github } from "../../src/harness/forge/github.ts";
import { gateOf, liveGates } from "../../src/harness/gates/book.ts";
import { keep } from "../../src/harness/gates/keeper.ts";
import { openStore } from "../../src/harness/store/open.ts";
import { notePush } from "../../src/harness/tasks/table.ts";
import { startForge } from "../../src/rehearsal/forge/server.ts";
import { tokenHash, type World } from "../../src/rehearsal/forge/setup.ts";

const write = {
  contents: "write",
  issues: "write",
  pull_requests: "write",
  statuses: "write",
  checks: "write",
  administration: "write",
} as const;
const review = { contents: "read", issues: "read", pull_requests: "write", statuses: "write" } as const;
export const logins = ["mara", "kim", "athena-bot", "apollo-bot", "stranger", "ci[bot]"] as const;
export const repo = "mara/app";
export const where = { owner: "mara", repo: "app" };

const world: World = {
  users: logins.map((login) => ({ login, type: login.endsWith("[bot]") ? ("Bot" as const) : ("User" as const) })),
  tokens: [
    ...logins.map((user) => ({ sha256: tokenHash(`token-of-${user}`), user, permissions: write })),
    { sha256: tokenHash("apollo-reviews"), user: "apollo-bot", permissions: review },
  ],
  repositories: [
    {
      owner: "mara",
      name: "app",
      files: { "README.md": "# app\n\none\n", "infra/main.tf": "a\n" },
      collaborators: { "athena-bot": "push", "apollo-bot": "push", kim: "push", "ci[bot]": "push" },
      protect: { reviews: 1, admins: true },
    },
  ],
};

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** athena looks after her pull requests in a protected repository of a real rehearsal forge; mara may approve, kim may only give tasks. */
export async function gateStage() {
  const dir = mkdtempSync(join(tmpdir(), "olympus-gates-"));
  // Tests make more at once than people do.
  const forge = await startForge({ dir: join(dir, "forge"), world, limits: { contentMinute: 100_000 } });
  const store = openStore(join(dir, "store"));
  const config = parseAgentConfig(
    JSON.stringify({
      version: 1,
      agent: "athena",
      team: "lab",
      persona: "You are Athena.",
      chat: {
        url: "http://127.0.0.1:1",
        tokenFile: "x",
        botId: "bot-athena",
        people: [
          { id: "id-mara", name: "mara", command: true, approve: ["merge", "infrastructure"] },
          { id: "id-kim", name: "kim", command: true, approve: [] },
        ],
        agents: [{ id: "bot-apollo", name: "apollo" }],
      },
      models: [{ provider: "rehearsal", model: "m", baseUrl: "http://127.0.0.1:1" }],
      budget: { run: 1, day: 1 },
      listen: { address: "127.0.0.1", port: 0, tokenFile: "x" },
      dataDir: dir,
      forge: {
        api: forge.api,
        login: "athena-bot",
        tokenFile: "x",
        keyFile: "x",
        name: "Athena",
        email: "athena@olympus.example",
        lenses: ["product"],
        people: [
          { login: "mara", name: "mara", command: true, approve: ["merge", "infrastructure"] },
          { login: "kim", name: "kim", command: true },
        ],
        agents: [{ login: "apollo-bot", name: "apollo", lenses: ["security"] }],
        repositories: [{ name: repo }],
      },
      policy: { merge: [{ paths: ["infra/**"], kind: "infrastructure" }], lenses: [{ lens: "security" }] },
    }),
    "agent.json",
  );
  const as = (token: string) => new Octokit({ auth: token, baseUrl: forge.api, log: silent });
  const clock = { at: 0, now: () => Date.now() + clock.at };
  const port = (token: string) =>
    github({ api: forge.api, token: new Secret("token", token), store, clock, log: silent, spaced: false });
  const parts = { config, policy: config.policy!, store, clock, forge: port("token-of-athena-bot") };
  const athena = as("token-of-athena-bot");
  let branches = 0;
  /** A commit on a branch, which is made where it is new; its id. */
  const commit = async (branch: string, path: string, content: string): Promise<string> => {
    const main = (await athena.git.getRef({ ...where, ref: "heads/main" })).data.object.sha;
    const known = await athena.git.getRef({ ...where, ref: `heads/${branch}` }).then(
      () => true,
      () => false,
    );
    if (!known) await athena.git.createRef({ ...where, ref: `refs/heads/${branch}`, sha: main });
    const text = Buffer.from(content).toString("base64");
    const old = await athena.repos.getContent({ ...where, path, ref: branch }).then(
      ({ data }) => (data as { sha: string }).sha,
      () => undefined,
    );
    const made = await athena.repos.createOrUpdateFileContents({
      ...where,
      path,
      branch,
      content: text,
      message: "Work",
      ...(old && { sha: old }),
    });
    return made.data.commit.sha!;
  };
  /** A pull request of athena's whose lens has not passed, and its gate. `before` happens to its commit before anybody is asked. */
  const waiting = async (path = `file-${++branches}.txt`, before?: (sha: string) => Promise<unknown>) => {
    const branch = `olympus/issue-${++branches}`;
    const sha = await commit(branch, path, `${branches}\n`);
    notePush(store, `ready-${branches}`, sha);
    await before?.(sha);
    const { number } = (await athena.pulls.create({ ...where, head: branch, base: "main", title: "Work" })).data;
    await keep(parts, "r1", repo, number);
    return { branch, sha, number, id: liveGates(store).find((gate) => gate.number === number)?.id ?? "", text: "" };
  };
  /** The same, whose lens has passed: people are asked. */
  const ready = async (...given: Parameters<typeof waiting>) => {
    const { branch, sha, number } = await waiting(...given);
    await as("apollo-reviews").repos.createCommitStatus({
      ...where,
      sha,
      context: "olympus/security",
      state: "success",
    });
    const { text = "" } = await keep(parts, "r1", repo, number);
    return { branch, sha, number, id: /!approve ([0-9a-f]{10})/.exec(text)?.[1] ?? "", text };
  };
  const main = async () => (await athena.git.getRef({ ...where, ref: "heads/main" })).data.object.sha;
  return {
    dir,
    forge,
    store,
    config,
    parts,
    port,
    clock,
    as,
    commit,
    waiting,
    ready,
    main,
    gate: (id: string) => gateOf(store, id),
    log: () =>
      linksAfter(store, 0, 100_000).map(
        ({ entry }) =>
          JSON.parse(entry) as {
            kind: string;
            what: string;
            actor: string;
            subject?: string;
            evidence?: Record<string, string>;
          },
      ),
    async close() {
      store.close();
      await forge.close();
      rmSync(dir, { recursive: true });
    },
  };
}

export type GateStage = Awaited<ReturnType<typeof gateStage>>;
