import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { messageOf } from "../../base/errors.ts";
import { startForge } from "./server.ts";
import { worldSchema } from "./setup.ts";

// The service's entry: node forge.mjs --world world.json --data /var/lib/… [--listen 127.0.0.1:18781] [--webhook-secret file]
try {
  const { values } = parseArgs({
    options: {
      world: { type: "string" },
      data: { type: "string" },
      listen: { type: "string", default: "127.0.0.1:18781" },
      url: { type: "string" },
      "webhook-secret": { type: "string" },
    },
  });
  const match = /^\[?([^\]]*?)\]?:(\d+)$/.exec(values.listen);
  if (match === null) throw new Error(`--listen wants address:port, not ${values.listen}`);
  if (values.world === undefined || values.data === undefined) throw new Error("--world and --data are needed");
  const secretFile = values["webhook-secret"];
  const forge = await startForge({
    dir: values.data,
    world: worldSchema.parse(JSON.parse(readFileSync(values.world, "utf8"))),
    address: match[1]!,
    port: Number(match[2]),
    webhookSecret: secretFile === undefined ? undefined : readFileSync(secretFile, "utf8").trim(),
    ...(values.url === undefined ? {} : { url: values.url }),
  });
  process.stdout.write(`the rehearsal forge listens on ${forge.url}\n`);
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.once(signal, () => void forge.close().then(() => process.exit(0)));
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}
