import { join } from "node:path";
import { maskSecrets, type Secret } from "../base/secret.ts";
import { KeptLog } from "../dashboard/kept-log.ts";
import { Look } from "../dashboard/look.ts";
import { type Dashboard, startDashboard } from "../dashboard/server.ts";
import type { AgentStatus } from "../dashboard/status.ts";
import { actionsOf } from "./actions.ts";
import { dayUsedUp } from "./budget.ts";
import { mattermostChat } from "./chat/mattermost.ts";
import { systemClock } from "./clock.ts";
import { loadAgentConfig, type ModelConfig } from "./config.ts";
import { liveGates } from "./gates/book.ts";
import { aboutGate, isAsked } from "./gates/gate.ts";
import { waitsFor } from "./gates/people.ts";
import { Harness } from "./harness.ts";
import type { Log } from "./log.ts";
import { openWorkshop, Workshop } from "./loop/workshop.ts";
import { sdkCaller } from "./model/caller.ts";
import { fencedWhereNeeded } from "./model/fenced.ts";
import { modelName } from "./model-port.ts";
import { makeRoom, workspacesOf } from "./sandbox/workspace.ts";
import { readSecretFile } from "./secret-file.ts";
import { lockDataDir } from "./store/lock.ts";
import { quietSince } from "./store/look-sums.ts";
import { openStore } from "./store/open.ts";
import { droppedAnswers } from "./store/outbox.ts";
import { lackOfRoom } from "./store/room.ts";
import { recentRuns } from "./store/runs.ts";
import { noteRefusal, spentSince } from "./store/steps.ts";
import { forgeDesk } from "./tasks/start.ts";
import { tlsOf } from "./tls.ts";
import { dayStart } from "./zone.ts";

/** For so long an answer that could not be delivered needs a look. */
const droppedMs = 3 * 24 * 3600_000;

export interface RunningAgent {
  readonly agent: string;
  readonly dashboard: Dashboard;
  status(): AgentStatus;
  stop(): Promise<void>;
}

/**
 * Puts an agent together from its configuration file and starts it. What it must not let out is added to `secrets`. Throws OlympusError
 * for a configuration, secret, lock or port that is wrong.
 */
export async function startAgent(configFile: string, to: Log, secrets: Secret[] = []): Promise<RunningAgent> {
  const log = new KeptLog(to, secrets);
  const startedAt = Date.now();
  const config = await loadAgentConfig(configFile);
  const secret = (name: string) => readSecretFile(name, configFile);
  const chatToken = secret(config.chat.tokenFile);
  const dashboardToken = secret(config.listen.tokenFile);
  // All read now: a missing key is to be known at start, not at the first mention.
  const keys = new Map(
    config.models.flatMap(({ keyFile }) => (keyFile === undefined ? [] : [[keyFile, secret(keyFile)] as const])),
  );
  const tls = tlsOf(config.listen, secret);
  secrets.push(chatToken, dashboardToken, ...keys.values(), ...(tls === undefined ? [] : [tls.key]));
  const lock = lockDataDir(config.dataDir);
  const lack = config.sandbox && lackOfRoom(config.dataDir);
  if (lack !== undefined) {
    // A former process may have ended just when a command had filled the disk: the database would not even be opened.
    log.error({ reason: lack }, "workspaces of runs are removed to make room");
    await makeRoom(workspacesOf(config));
  }
  const store = openStore(config.dataDir, secrets);
  const clock = systemClock(config.scale);
  const chat = mattermostChat({
    url: config.chat.url,
    token: chatToken,
    botId: config.chat.botId,
    scale: config.scale,
  });
  const keyOf = ({ keyFile }: ModelConfig) => (keyFile === undefined ? undefined : keys.get(keyFile));
  const models = fencedWhereNeeded(sdkCaller(keyOf));
  const settings = config.sandbox;
  const workshop =
    settings &&
    new Workshop(
      () =>
        openWorkshop({
          config,
          settings,
          log,
          refused: (run, target) => noteRefusal(store, run, target, clock.now()),
          store,
        }),
      log,
    );
  const desk = await forgeDesk(config, { store, clock, log, secret, secrets });
  const harness = new Harness({
    config,
    store,
    chat,
    models,
    clock,
    log,
    ...(workshop && { workshop }),
    ...(desk && { desk }),
    secrets,
  });

  const build = /\/harness\/([0-9a-f]{8,})\//.exec(process.argv[1] ?? "")?.[1] ?? "";
  const known = (): AgentStatus => {
    const now = clock.now();
    const today = spentSince(store, dayStart(now, config.timezone));
    return {
      version: 1,
      agent: config.agent,
      team: config.team,
      rehearsal: config.models.some((choice) => choice.provider === "rehearsal"),
      models: config.models.map(modelName),
      build,
      startedAt,
      now,
      memoryMb: process.memoryUsage.rss() / 1e6,
      spentToday: today.usd,
      budgetDay: config.budget.day,
      overBudget: dayUsedUp(today, config) !== undefined,
      harness: harness.state(),
      gates: liveGates(store).flatMap((gate) =>
        isAsked(gate, now) ? [{ what: aboutGate(gate), since: gate.createdAt, who: waitsFor(config, gate) }] : [],
      ),
      quietSince: quietSince(store),
      tools: workshop?.state() ?? { state: "none" },
      ...(desk && { forge: desk.troubles() }),
      ...diskOf(config.dataDir),
      runs: recentRuns(store, 20),
      dropped: droppedAnswers(store, 10, now - droppedMs),
    };
  };
  // Outcomes and reasons are in the words of others.
  const status = () => JSON.parse(maskSecrets(JSON.stringify(known()), secrets)) as AgentStatus;
  const { listen } = config;
  const dashboard = await startDashboard({
    address: listen.address,
    port: listen.port,
    hosts: listen.hosts,
    token: dashboardToken,
    ...(tls === undefined ? {} : { tls }),
    sessionsFile: join(config.dataDir, "dashboard-sessions.json"),
    look: new Look({ config, store, log, secrets, status, now: () => clock.now() }),
    acts: actionsOf({ config, store, clock, harness }),
    log,
  });
  const started = harness.start();
  started.catch((error: unknown) => {
    log.error({ error: String(error) }, "the harness could not start");
    // A process that only shows its status page would look alive for ever; systemd starts it again.
    process.exit(1);
  });
  return {
    agent: config.agent,
    dashboard,
    status,
    async stop() {
      // First: a token that was replaced opens nothing while work under way comes to its end.
      dashboard.retire();
      await harness.stop();
      await dashboard.close();
      store.close();
      lock.release();
    },
  };
}

function diskOf(folder: string): Pick<AgentStatus, "disk"> {
  const disk = lackOfRoom(folder);
  return disk === undefined ? {} : { disk };
}
