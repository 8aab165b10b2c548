/**
 * An agent as a process of its own, put together as the harness does it, but for the sandbox, which keeps nothing in: on machines
 * that cannot make a real one. Run by Node with the configuration's path; says `started` when it works.
 */
import { writeSync } from "node:fs";
import { mattermostChat } from "../../src/harness/chat/mattermost.ts";
import { systemClock } from "../../src/harness/clock.ts";
import { loadAgentConfig } from "../../src/harness/config.ts";
import { Harness } from "../../src/harness/harness.ts";
import { jsonLog } from "../../src/harness/log.ts";
import { Workshop } from "../../src/harness/loop/workshop.ts";
import { sdkCaller } from "../../src/harness/model/caller.ts";
import { workspacesOf } from "../../src/harness/sandbox/workspace.ts";
import { readSecretFile } from "../../src/harness/secret-file.ts";
import { lockDataDir } from "../../src/harness/store/lock.ts";
import { openStore } from "../../src/harness/store/open.ts";
import { Desk } from "../../src/harness/tasks/desk.ts";
import { plainSandbox } from "./plain-sandbox.ts";

const [file = ""] = process.argv.slice(2);
const config = await loadAgentConfig(file);
const settings = config.forge!;
const read = (name: string) => readSecretFile(name, file);
const chatToken = read(config.chat.tokenFile);
const token = read(settings.tokenFile);
const key = read(settings.keyFile);
const webhookSecret = settings.webhook && read(settings.webhook.secretFile);
const secrets = [chatToken, token, key, ...(webhookSecret === undefined ? [] : [webhookSecret])];
const log = jsonLog("info", (line) => writeSync(1, line));
lockDataDir(config.dataDir);
const store = openStore(config.dataDir, secrets);
const clock = systemClock(config.scale);
const { url, botId } = config.chat;
const sandbox = plainSandbox(workspacesOf(config));
const harness = new Harness({
  config,
  store,
  // A busy machine answers late: its limits stay what they are.
  chat: mattermostChat({ url, token: chatToken, botId }),
  models: sdkCaller(() => undefined),
  clock,
  log,
  secrets,
  workshop: new Workshop(async () => ({ sandbox, hosts: [] }), log),
  desk: new Desk({ config, settings, store, clock, log, token, key, webhookSecret, obstacle: async () => undefined }),
});
await harness.start();
log.info({ agent: config.agent }, "started");
