import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { replaceFile } from "../src/base/durable.ts";
import { exitCodes, OlympusError } from "../src/base/errors.ts";
import { withFileLock } from "../src/base/lock.ts";
import { Secret } from "../src/base/secret.ts";
import type { LoadedTeam } from "../src/team/model.ts";
import { readIdentities } from "./identity.ts";
import { emptySops, readSops, type SopsFile, writeSops } from "./sops.ts";

export { initSecrets } from "./init.ts";

/** A team's secrets, by dotted path such as `ssh.deploy.private`. Plain values live only in this process. */
export interface SecretStore {
  /** Absolute path of the encrypted file. */
  readonly file: string;
  /** The secret at `path`, or undefined when it is not set. */
  get(path: string): Secret | undefined;
  /** The secret at `path`. Throws E-SECRET-MISSING, naming the command that sets it. */
  require(path: string): Secret;
  /** Sets a value in memory; `save` writes it. Empty values are refused. */
  set(path: string, value: string): void;
  /** Forgets a value in memory; `save` writes it. */
  delete(path: string): void;
  /** Every path that has a value, in the order of the file. */
  paths(): string[];
  /** Every secret, for masking output. */
  all(): Secret[];
  /** Who can open the file, `age1…`. */
  recipients(): string[];
  /** Replaces who can open the file; `save` writes it. Removing somebody makes a new data key. */
  setRecipients(recipients: readonly string[]): void;
  /**
   * Writes the encrypted file (0600, by rename, synced) when something changed since it was opened. What another process wrote
   * meanwhile is kept: only this process's own changes are laid over it. Gives whether it wrote. Throws E-SECRETS-CHANGED when another
   * process changed the very same value, E-LOCKED (exit 75) while another one writes for longer than ten seconds.
   */
  save(): Promise<boolean>;
}

/** Opens a team's secrets. Throws E-SECRETS-FILE (missing), E-SECRETS-IDENTITY (no identity fits), E-SECRETS-BROKEN (tampered, cut off). */
export async function openSecrets(team: Pick<LoadedTeam, "secretsFile">): Promise<SecretStore> {
  if (!existsSync(team.secretsFile)) {
    throw new OlympusError("the team has no secrets file yet", {
      code: "E-SECRETS-FILE",
      exit: exitCodes.usage,
      where: team.secretsFile,
      hint: "To try it here: scripts/quickstart, or npx olympus lab up. For servers of your own: npx olympus secrets init",
    });
  }
  return createStore(team.secretsFile, await load(team.secretsFile));
}

/** A store over a file that does not exist yet, opened by `recipients`. */
export function newSecrets(file: string, recipients: readonly string[]): SecretStore {
  const store = createStore(file, emptySops());
  store.setRecipients(recipients);
  return store;
}

async function load(file: string): Promise<SopsFile> {
  return readSops(await readFile(file, "utf8"), await readIdentities(), file);
}

function createStore(file: string, opened: SopsFile): SecretStore {
  let base = opened;
  let recipients: readonly string[] = opened.entries.map((entry) => entry.recipient);
  let recipientsChanged = false;
  const changes = new Map<string, string | undefined>();
  let saving: Promise<boolean> = Promise.resolve(false);
  const current = (path: string): string | undefined => (changes.has(path) ? changes.get(path) : base.values.get(path));
  const pathsNow = (): string[] =>
    [...new Set([...base.values.keys(), ...changes.keys()])].filter((path) => current(path) !== undefined);

  const get = (path: string): Secret | undefined => {
    const value = current(path);
    return value === undefined ? undefined : new Secret(path, value);
  };

  return {
    file,
    get,
    require(path) {
      const secret = get(path);
      if (secret !== undefined) return secret;
      throw new OlympusError(`the secret ${path} is not set`, {
        code: "E-SECRET-MISSING",
        exit: exitCodes.usage,
        where: file,
        hint: commandFor(path),
      });
    },
    set(path, value) {
      checkPath(path, pathsNow(), file);
      if (value === "")
        throw new OlympusError(`the secret ${path} is empty`, {
          code: "E-SECRET-VALUE",
          exit: 1,
          hint: `npx olympus secrets set ${path} < file, or without < on a terminal, which asks`,
        });
      if (current(path) !== value) changes.set(path, value);
    },
    delete(path) {
      if (current(path) !== undefined) changes.set(path, undefined);
    },
    paths: pathsNow,
    all: () => pathsNow().map((path) => get(path)!),
    recipients: () => [...recipients],
    setRecipients(wanted) {
      recipientsChanged ||= wanted.length !== recipients.length || wanted.some((one) => !recipients.includes(one));
      recipients = [...new Set(wanted)];
    },
    // One after the other: what several set side by side is one writing, and nobody waits for a lock that is our own.
    save() {
      const next = saving.then(write, write);
      saving = next;
      return next;
    },
  };

  async function write(): Promise<boolean> {
    if (changes.size === 0 && !recipientsChanged) return false;
    await mkdir(dirname(file), { recursive: true });
    return withFileLock(`${file}.lock`, { waitMs: 10_000 }, async () => {
      const now = existsSync(file) ? await load(file) : base;
      // What is set while this is being written is the next save's.
      const written = new Map(changes);
      const both = [...written].filter(([path, mine]) => differs(base, now, path) && now.values.get(path) !== mine);
      const theirs = now.entries.map((entry) => entry.recipient);
      if (both.length > 0 || (recipientsChanged && differInWhom(base, now))) throw changedError(file, both);
      const wanted = recipientsChanged ? recipients : theirs;
      const text = await writeSops(now, written, wanted, { where: file });
      // Read back before it takes the old one's place: a file that could not be opened again would lock everything away.
      const readBack = await readSops(text, await readIdentities(), file);
      // What is done next (a token of the chat, a state's passphrase) may stand on it.
      await replaceFile(file, text, 0o600);
      base = readBack;
      recipients = wanted;
      for (const [path, value] of written) if (changes.get(path) === value) changes.delete(path);
      recipientsChanged = false;
      return true;
    });
  }
}

const differs = (a: SopsFile, b: SopsFile, path: string): boolean => a.values.get(path) !== b.values.get(path);

const differInWhom = (a: SopsFile, b: SopsFile): boolean =>
  JSON.stringify(a.entries.map((one) => one.recipient)) !== JSON.stringify(b.entries.map((one) => one.recipient));

/** Two processes set the same thing differently: neither may silently win. */
function changedError(file: string, both: readonly (readonly [string, unknown])[]): OlympusError {
  const what = both.map(([path]) => path).join(", ") || "who can open the secrets";
  return new OlympusError(`another command changed ${what} meanwhile; nothing of this one was saved`, {
    code: "E-SECRETS-CHANGED",
    exit: exitCodes.failed,
    where: file,
    hint: "Run the same command again: it goes on from what is there now.",
  });
}

/** The command that brings a missing secret. */
function commandFor(path: string): string {
  if (/^mattermost\.(bots|people)\./.test(path)) return "npx olympus bootstrap";
  const generated =
    /^(ssh|hosts|postgresql|pulumi|team|forge)\.|^agents\..*\.(dashboard$|signing\.)|^mattermost\.admin\./;
  return generated.test(path) ? "npx olympus secrets init" : `npx olympus secrets set ${path}`;
}

function checkPath(path: string, existing: readonly string[], where: string): void {
  const fits =
    path.split(".").every((part) => /^[A-Za-z0-9_-]+$/.test(part)) &&
    path !== "sops" &&
    !path.startsWith("sops.") &&
    !/_unencrypted(\.|$)/.test(path);
  const clash = existing.find((other) => other.startsWith(`${path}.`) || path.startsWith(`${other}.`));
  if (fits && clash === undefined) return;
  throw new OlympusError(clash ? `${path} cannot be set beside ${clash}` : `${path} is no name for a secret`, {
    code: "E-SECRET-VALUE",
    exit: exitCodes.usage,
    where,
    hint: "Names are words of letters, digits, _ and - joined by dots: models.anthropic",
  });
}
