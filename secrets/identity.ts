import { existsSync } from "node:fs";
import { mkdir, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { makeOnce } from "../src/base/durable.ts";
import { exitCodes, OlympusError } from "../src/base/errors.ts";
import { commandVariable, identityCommand } from "./identity-command.ts";

/** Where this person's own age identity lies unless SOPS_AGE_KEY, SOPS_AGE_KEY_FILE or SOPS_AGE_KEY_CMD says otherwise. */
export function identityFile(): string {
  return (
    process.env.SOPS_AGE_KEY_FILE ??
    join(process.env.XDG_CONFIG_HOME ?? join(homedir(), ".config"), "olympus", "age.txt")
  );
}

/**
 * The age identities (`AGE-SECRET-KEY-…`) that this person has: SOPS_AGE_KEY, else the file SOPS_AGE_KEY_FILE, else what the command
 * SOPS_AGE_KEY_CMD prints, else the identity file. Empty when there is none. Throws E-SECRETS-IDENTITY when the file may be read by others,
 * the command fails, or one of them holds no identity.
 */
export async function readIdentities(): Promise<string[]> {
  const given = process.env.SOPS_AGE_KEY;
  if (given) return identitiesIn(given, "SOPS_AGE_KEY");
  const command = process.env[commandVariable];
  if (command && !process.env.SOPS_AGE_KEY_FILE)
    return identitiesIn(await identityCommand(command), `what the command of ${commandVariable} prints`);
  const file = identityFile();
  if (!existsSync(file)) return [];
  const { mode } = await stat(file);
  if ((mode & 0o077) !== 0) {
    throw new OlympusError(`the age identity may be read by others (mode ${(mode & 0o777).toString(8)})`, {
      code: "E-SECRETS-IDENTITY",
      exit: exitCodes.usage,
      where: file,
      hint: `chmod 600 ${file}`,
    });
  }
  return identitiesIn(await readFile(file, "utf8"), file);
}

function identitiesIn(text: string, where: string): string[] {
  const found = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line.startsWith("AGE-SECRET-KEY-"));
  if (found.length === 0) {
    throw new OlympusError("there is no age identity in it", {
      code: "E-SECRETS-IDENTITY",
      exit: exitCodes.usage,
      where,
      hint: "It has to hold a line AGE-SECRET-KEY-1…, as `age-keygen` writes it.",
    });
  }
  return found;
}

/** Makes the identity file (0600, its folder 0700) with a new identity, whole or not at all. Gives that of another process that was quicker. */
export async function createIdentity(): Promise<string[]> {
  const { generateX25519Identity, identityToRecipient } = await import("age-encryption");
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const file = identityFile();
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  return makeOnce(file, `# public key: ${recipient}\n${identity}\n`, 0o600) ? [identity] : readIdentities();
}

/** The public halves of identities, `age1…`. */
export async function recipientsOf(identities: readonly string[]): Promise<string[]> {
  const { identityToRecipient } = await import("age-encryption");
  return Promise.all(identities.map((identity) => identityToRecipient(identity)));
}
