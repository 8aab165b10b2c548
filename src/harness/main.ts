import { writeSync } from "node:fs";
import { parseArgs } from "node:util";
import { messageOf, OlympusError } from "../base/errors.ts";
import { maskSecrets, type Secret } from "../base/secret.ts";
import { jsonLog } from "./log.ts";
import { startAgent } from "./start.ts";

// The harness process: node main.mjs --config /etc/olympus/agent.json
const secrets: Secret[] = [];
const level = process.env.OLYMPUS_LOG === "debug" ? "debug" : "info";
const log = jsonLog(level, (line) => writeSync(1, maskSecrets(line, secrets)));
// Libraries that print go to the log too, one object a line like everything else.
for (const name of ["log", "info", "warn", "error", "debug"] as const) {
  console[name] = (...parts: unknown[]) => log.debug({ from: "library" }, parts.map(String).join(" "));
}

try {
  const { values } = parseArgs({ options: { config: { type: "string", default: "/etc/olympus/agent.json" } } });
  const running = await startAgent(values.config, log, secrets);
  log.info({ agent: running.agent, port: running.dashboard.port, pid: process.pid }, "started");
  const stop = (signal: string) => {
    log.info({ signal }, "stopping");
    running.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ error: messageOf(error) }, "could not stop in order");
        process.exit(1);
      },
    );
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
} catch (error) {
  const known = error instanceof OlympusError;
  const fields = known
    ? { code: error.code, where: error.where, hint: error.hint }
    : { stack: error instanceof Error ? error.stack : undefined };
  log.error(fields, messageOf(error));
  process.exitCode = known ? error.exit : 2;
}
