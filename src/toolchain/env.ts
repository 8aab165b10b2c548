import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import { ownBackend, projectRoot, runtimeDir, runtimeName } from "../base/paths.ts";
import type { Secret } from "../base/secret.ts";
import type { LoadedTeam } from "../team/model.ts";
import type { Toolchain } from "./toolchain.ts";

/**
 * What `pulumi` needs to find tools, state and passphrase; `olympus env` prints it and the Automation API is given it.
 * `passphrase` is the 0600 file that holds the secret `pulumi.passphrase`. Nothing in here is itself a secret.
 */
export function pulumiEnv(
  team: LoadedTeam,
  tools: Toolchain,
  passphrase: string = passphraseFile(team),
  ambient: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const others = ownPath(ambient).filter((folder) => folder !== tools.binDir);
  return {
    PATH: [tools.binDir, ...others].join(delimiter),
    OLYMPUS_ROOT: projectRoot,
    OLYMPUS_TEAM: team.file,
    PULUMI_HOME: tools.pulumiHome,
    PULUMI_BACKEND_URL: ambient.OLYMPUS_PULUMI_BACKEND ?? ownBackend(team.name),
    PULUMI_CONFIG_PASSPHRASE_FILE: passphrase,
    PULUMI_DYNAMIC_TF_PLUGIN_CACHE_DIR: tools.pluginCache,
    // Hooks run on delete too (orderly shutdown), so destroy and refresh need the program.
    PULUMI_RUN_PROGRAM: "true",
    // A stack's encryption is read from its state, so that no key of one team stands in the stack files of all.
    PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // Only the pinned plugins: whatever else lies on PATH under the same names is not ours.
    PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
  };
}

/** The person's own PATH: npx and npm run put folders of theirs before it, which nothing of ours needs. */
function ownPath({ PATH = "/usr/bin:/bin", npm_execpath: npm }: NodeJS.ProcessEnv): string[] {
  const folders = PATH.split(delimiter);
  if (npm === undefined) return folders;
  const first = folders.findIndex((folder) => !/\/(node_modules\/\.bin|node-gyp-bin)$/.test(folder));
  return folders.slice(first === -1 ? folders.length : first);
}

/** Where a team's passphrase lies for a person's own `pulumi`, which `olympus env` prepares: one file for each team file, until the restart. */
export function passphraseFile(team: LoadedTeam): string {
  return runtimeDir("passphrases", runtimeName(team.name, team.file));
}

/**
 * Writes the secret `pulumi.passphrase` to a file, 0600 in a 0700 folder, and returns its path: `passphraseFile`, or one in `folder`.
 * Repeated writes are harmless.
 */
export function writePassphrase(team: LoadedTeam, passphrase: Secret, folder?: string): string {
  const shared = passphraseFile(team);
  const file = folder === undefined ? shared : join(folder, `passphrase-${basename(shared)}`);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, passphrase.reveal(), { mode: 0o600 });
  renameSync(temporary, file);
  return file;
}

/** `export NAME='value'` lines for a POSIX shell. */
export function shellExports(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'`)
    .join("\n");
}
