import { parseArgs } from "node:util";
import { messageOf, OlympusError } from "../base/errors.ts";
import { startRehearsal } from "./model-server.ts";
import { loadScript } from "./script.ts";

// The service's entry: node rehearsal.mjs [--script answers.yaml] [--listen 127.0.0.1:18780]
try {
  const { values } = parseArgs({
    options: { script: { type: "string" }, listen: { type: "string", default: "127.0.0.1:18780" } },
  });
  const match = /^\[?([^\]]*?)\]?:(\d+)$/.exec(values.listen);
  if (match === null) throw new Error(`--listen wants address:port, not ${values.listen}`);
  const server = await startRehearsal({
    script: loadScript(values.script),
    address: match[1]!,
    port: Number(match[2]),
  });
  process.stdout.write(`the rehearsal model listens on ${server.url}\n`);
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.once(signal, () => void server.close().then(() => process.exit(0)));
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = error instanceof OlympusError ? error.exit : 1;
}
