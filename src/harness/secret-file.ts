import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { messageOf, OlympusError } from "../base/errors.ts";
import { Secret } from "../base/secret.ts";

/**
 * Reads a secret that the configuration names by file: an absolute path as it stands, a bare name from systemd's
 * credentials directory ($CREDENTIALS_DIRECTORY), else beside the configuration. Throws E-AGENT-SECRET when it is missing or empty.
 */
export function readSecretFile(name: string, configFile: string, env: NodeJS.ProcessEnv = process.env): Secret {
  const path = secretPath(name, dirname(configFile), env);
  let value: string;
  try {
    value = readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw secretError(`cannot read the secret ${name}: ${messageOf(cause)}`, path, cause);
  }
  if (value === "") throw secretError(`the secret ${name} is empty`, path);
  return new Secret(name, value);
}

/** Where a secret lies; `otherwise` is the folder where systemd hands none over. */
export function secretPath(name: string, otherwise: string, env: NodeJS.ProcessEnv = process.env): string {
  return isAbsolute(name) ? name : join(env.CREDENTIALS_DIRECTORY ?? otherwise, name);
}

function secretError(message: string, where: string, cause?: unknown): OlympusError {
  return new OlympusError(message, {
    code: "E-AGENT-SECRET",
    where,
    hint: "npm run role -- setup agent --host <agent>  puts the secrets there",
    ...(cause === undefined ? {} : { cause }),
  });
}
