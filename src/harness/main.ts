import { writeSync } from "node:fs";
import { parseArgs } from "node:util";
import { messageOf, OlympusError } from "../base/errors.ts";
import { maskSecrets, type Secret } from "../base/secret.ts";
import { jsonLog } from "./log.ts";
import { checkAgent } from "./reload.ts";
import { startAgent } from "./start.ts";

// The harness process: node main.mjs --config /etc/olympus/agent.json
const secrets: Secret[] = [];
const level = process.env.OLYMPUS_LOG === "debug" ? "debug" : "info";
const log = jsonLog(level, (line) => writeSync(1, maskSecrets(line, secrets)));
// Libraries that print go to the log too, one object a line like everything else.
for (const name of ["log", "info", "warn", "error", "debug"] as const) {
  console[name] = (...parts: unknown[]) => log.debug({ from: "library" }, parts.map(String).join(" "));
}

const fieldsOf = (error: unknown) =>
  error instanceof OlympusError
    ? { code: error.code, where: error.where, hint: error.hint }
    : { stack: error instanceof Error ? error.stack : undefined };

try {
  const { values } = parseArgs({ options: { config: { type: "string", default: "/etc/olympus/agent.json" } } });
  let running = await startAgent(values.config, log, secrets);
  log.info({ agent: running.agent, port: running.dashboard.port, pid: process.pid }, "started");
  // One after the other: a stop waits for a reload, which is bounded.
  let changing = Promise.resolve();
  const next = (change: () => Promise<void>, failed: string) => {
    changing = changing.then(change).catch((error: unknown) => {
      log.error(fieldsOf(error), `${failed}: ${messageOf(error)}`);
      process.exit(1);
    });
  };
  const stop = (signal: string) => {
    log.info({ signal }, "stopping");
    next(async () => {
      await running.stop();
      process.exit(0);
    }, "could not stop in order");
  };
  const reload = async () => {
    try {
      await checkAgent(values.config);
    } catch (error) {
      log.error(fieldsOf(error), `the new configuration is wrong, the one before stays: ${messageOf(error)}`);
      return;
    }
    // What is under way ends, or goes on from its journal.
    await running.stop();
    running = await startAgent(values.config, log, secrets);
    log.info({ agent: running.agent }, "reloaded");
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  process.on("SIGHUP", () => next(reload, "could not reload"));
} catch (error) {
  log.error(fieldsOf(error), messageOf(error));
  process.exitCode = error instanceof OlympusError ? error.exit : 2;
}
