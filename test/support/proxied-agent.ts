/** athena as a process of its own, at a real Mattermost behind a proxy that makes faults, with a rehearsal model that can be slow. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AgentStatus } from "../../src/dashboard/status.ts";
import { type RehearsalServer, startRehearsal } from "../../src/rehearsal/model-server.ts";
import { type FaultProxy, startFaultProxy } from "../../src/rehearsal/proxy.ts";
import { loadScript, scriptSchema } from "../../src/rehearsal/script.ts";
import { type AgentFolder, type AgentProcess, agentFolder, startAgentProcess } from "./agent-process.ts";
import { type ChatTeam, seedChatTeam } from "./chat-team.ts";
import { type MattermostServer, startMattermost } from "./mattermost.ts";

export interface ProxiedAgent {
  readonly mattermost: MattermostServer;
  readonly team: ChatTeam;
  /** "held NAME" is answered after three seconds. */
  readonly model: RehearsalServer;
  readonly proxy: FaultProxy;
  readonly folder: AgentFolder;
  readonly agent: AgentProcess;
  status(): Promise<AgentStatus>;
  close(): Promise<void>;
}

/** `scale`: the harness's waits and limits are divided by it. */
export async function openProxiedAgent(scale = 1): Promise<ProxiedAgent> {
  const root = mkdtempSync(join(tmpdir(), "olympus-proxied-"));
  await using until = new AsyncDisposableStack();
  until.defer(() => rmSync(root, { recursive: true, force: true }));
  const mattermost = await startMattermost();
  until.defer(() => mattermost.stop());
  const team = await seedChatTeam(mattermost.url);
  const held = { match: "held (\\w+)", reply: "held answer $1", delay: 3 };
  const model = await startRehearsal({ script: scriptSchema.parse({ answers: [held, ...loadScript().answers] }) });
  until.defer(() => model.close());
  const proxy = await startFaultProxy(mattermost);
  until.defer(() => proxy.close());
  const url = `http://127.0.0.1:${proxy.port}`;
  const folder = await agentFolder(join(root, "athena"), team, model.url, (config) => ({
    ...config,
    scale,
    chat: { ...config.chat, url },
  }));
  const agent = await startAgentProcess(folder);
  until.defer(() => agent.stop("SIGKILL"));
  const opened = until.move();
  return {
    mattermost,
    team,
    model,
    proxy,
    folder,
    agent,
    async status() {
      const headers = { authorization: `Bearer ${folder.dashboardToken}` };
      return (await (await fetch(`http://127.0.0.1:${folder.port}/api/status`, { headers })).json()) as AgentStatus;
    },
    close: () => opened.disposeAsync(),
  };
}
