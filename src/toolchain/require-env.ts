import { OlympusError } from "../base/errors.ts";

const needed = ["OLYMPUS_ROOT", "OLYMPUS_TEAM", "PULUMI_DYNAMIC_TF_PLUGIN_CACHE_DIR", "PULUMI_CONFIG_PASSPHRASE_FILE"];

/** For stacks/index.ts: a plain `pulumi` without the project's environment ends with the one command that is missing. Throws E-PULUMI-ENV. */
export function requirePulumiEnv(environment: NodeJS.ProcessEnv = process.env): void {
  const missing = needed.filter((name) => !environment[name]);
  if (missing.length === 0) return;
  throw new OlympusError(`this shell does not have the project's environment (${missing.join(", ")})`, {
    code: "E-PULUMI-ENV",
    exit: 1,
    hint: 'run first: eval "$(npx olympus env)"',
  });
}
