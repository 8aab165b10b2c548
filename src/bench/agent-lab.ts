import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AgentFolder,
  type AgentProcess,
  agentFolder,
  startAgentProcess,
} from "../../test/support/agent-process.ts";
import { type ChatTeam, seedChatTeam } from "../../test/support/chat-team.ts";
import { startMattermost } from "../../test/support/mattermost.ts";
import { type RehearsalServer, startRehearsal } from "../rehearsal/model-server.ts";
import { loadScript } from "../rehearsal/script.ts";

/** A real Mattermost, the rehearsal model and one bundled harness process, all on 127.0.0.1. */
export interface AgentLab {
  readonly team: ChatTeam;
  readonly model: RehearsalServer;
  readonly folder: AgentFolder;
  /** Starts the harness; one at a time. */
  start(): Promise<AgentProcess>;
  end(): Promise<void>;
}

export async function agentLab(): Promise<AgentLab> {
  const root = mkdtempSync(join(tmpdir(), "olympus-bench-"));
  const mattermost = await startMattermost();
  const team = await seedChatTeam(mattermost.url);
  const model = await startRehearsal({ script: loadScript() });
  const folder = await agentFolder(join(root, "athena"), team, model.url);
  let running: AgentProcess | undefined;
  return {
    team,
    model,
    folder,
    async start() {
      running = await startAgentProcess(folder);
      return running;
    },
    async end() {
      await running?.stop();
      await model.close();
      await mattermost.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
