/** A disk that is really full: the harness's data is on a small file system in a mount namespace of its own. Against a real Mattermost. */
import { closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AgentStatus } from "../../src/dashboard/status.ts";
import { type RehearsalServer, startRehearsal } from "../../src/rehearsal/model-server.ts";
import { loadScript } from "../../src/rehearsal/script.ts";
import { type AgentFolder, type AgentProcess, agentFolder, startAgentProcess } from "../support/agent-process.ts";
import { type ChatPostRow, type ChatTeam, seedChatTeam } from "../support/chat-team.ts";
import { type MattermostServer, startMattermost } from "../support/mattermost.ts";

const root = mkdtempSync(join(tmpdir(), "olympus-disk-"));
let mattermost: MattermostServer;
let team: ChatTeam;
let model: RehearsalServer;
let agent: AgentProcess;
/** The small disk, as this process reaches it. */
let disk: string;
let ready: () => Promise<unknown>;
let status: () => Promise<AgentStatus>;
/** Runs under way, what waits and what is to be delivered. */
let busy: () => Promise<number>;

beforeAll(async () => {
  mattermost = await startMattermost();
  team = await seedChatTeam(mattermost.url);
  model = await startRehearsal({ script: loadScript() });
  const folder = await agentFolder(join(root, "athena"), team, model.url, (config) => ({ ...config, scale: 10 }));
  const data = dataOf(folder);
  agent = await startAgentProcess(folder, "readyz", {}, smallDisk(data));
  disk = `/proc/${agent.pid}/root${data}`;
  ready = async () => (await fetch(`http://127.0.0.1:${folder.port}/readyz`)).json();
  const headers = { authorization: `Bearer ${folder.dashboardToken}` };
  status = async () =>
    (await (await fetch(`http://127.0.0.1:${folder.port}/api/status`, { headers })).json()) as AgentStatus;
  busy = async () => {
    const { harness } = await status();
    return harness.running.length + harness.waiting + harness.undelivered;
  };
});
afterAll(async () => {
  await agent?.stop("SIGKILL");
  await model?.close();
  await mattermost?.stop();
  rmSync(root, { recursive: true, force: true });
});

function dataOf({ dir }: AgentFolder): string {
  const data = join(dir, "data");
  mkdirSync(data);
  return data;
}

/** Begins a command in a mount namespace where the folder is a small disk, on which `steps` (shell) were carried out. */
const smallDisk = (folder: string, steps = "true") => {
  const mounts = `mount -t tmpfs -o size=24m,mode=700 small "$0" && cd "$0" && { ${steps}; cd /; exec "$@"; }`;
  return ["unshare", "--map-root-user", "--mount", "sh", "-c", mounts, folder];
};

/** Writes until nothing more fits. */
function fill(file: string): void {
  const handle = openSync(file, "w");
  for (let size = 1 << 20; size > 0; ) {
    try {
      writeSync(handle, Buffer.alloc(size));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      size >>= 1;
    }
  }
  closeSync(handle);
}

test("G2 the disk is full, then free again: health is red, then green, the database is whole, each mention has one answer", async () => {
  const ask = async (text: string) => team.say(team.people.alice, team.channels.work!, `@athena hello ${text}`);
  const before = await ask("before");
  await team.answers(before.id, team.bots.athena!, 1, 120);
  fill(join(disk, "fill"));
  expect(await ready()).toEqual({ status: "degraded" });
  expect((await status()).disk).toContain("the disk is full");
  const asked: ChatPostRow[] = [];
  // What the database had room for already is used up first.
  const failed = /cannot take a post in|cannot claim work|catching up failed|a run failed/;
  while (!failed.test(agent.log())) asked.push(await ask(String(asked.length)));
  asked.push(await ask("when it is full"));
  rmSync(join(disk, "fill"));
  for (const { id } of asked) await team.answers(id, team.bots.athena!, 1, 300);
  await expect.poll(ready, { timeout: 120_000 }).toEqual({ status: "ready" });
  // An answer is seen before its run has ended.
  await expect.poll(busy, { timeout: 120_000 }).toBe(0);
  for (const { id } of asked) expect(await team.answers(id, team.bots.athena!)).toHaveLength(1);
  process.kill(agent.pid, "SIGSTOP");
  // SQLite would look for it where the link in /proc seems to lead.
  for (const end of ["", "-wal"]) copyFileSync(join(disk, `harness.sqlite${end}`), join(root, `copy.sqlite${end}`));
  const database = new DatabaseSync(join(root, "copy.sqlite"));
  expect(database.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
  expect(database.prepare("SELECT count(*) AS runs FROM runs WHERE ended_at IS NULL").get()).toEqual({ runs: 0 });
  database.close();
  process.kill(agent.pid, "SIGCONT");
}, 900_000);

test("G2 an agent that finds its disk filled by a command of a former process makes room for its database, and begins", async () => {
  const folder = await agentFolder(
    join(root, "hermes"),
    team,
    model.url,
    (config) => ({ ...config, sandbox: {} }),
    "hermes",
  );
  const left = "mkdir -p workspaces/former/home; cat /dev/zero > workspaces/former/home/full";
  const hermes = await startAgentProcess(folder, "healthz", {}, smallDisk(dataOf(folder), `${left} 2> /dev/null`));
  try {
    const post = await team.say(team.people.alice, team.channels.work!, "@hermes who are you?");
    expect(await team.answers(post.id, team.bots.hermes!, 1, 120)).toHaveLength(1);
    expect(hermes.log()).toContain("removed to make room");
  } finally {
    await hermes.stop("SIGKILL");
  }
}, 300_000);
