import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import type { LoadedTeam } from "../src/team/model.ts";
import { generatePassword, generateToken } from "./generate.ts";
import { createIdentity, identityFile, readIdentities, recipientsOf } from "./identity.ts";
import { generateSshKeyPair } from "./ssh-keys.ts";
import { newSecrets, openSecrets, type SecretStore } from "./store.ts";

/** What `initSecrets` did. */
export interface InitResult {
  readonly store: SecretStore;
  /** Paths that were missing and were made now. */
  readonly made: readonly string[];
  /** The identity file, when it was made now. */
  readonly identity: string | undefined;
}

/**
 * Makes every secret that can be generated and is missing: the deploy key, every machine's host key, passwords, dashboards' tokens, the
 * Pulumi passphrase, the team's signing key. Makes the person's age identity when there is none and no file that another one opens.
 * `recipients` (`age1…`) may open a new file beside this person. A second call changes nothing. Throws like `openSecrets`.
 */
export async function initSecrets(team: LoadedTeam, recipients: readonly string[] = []): Promise<InitResult> {
  let identity: string | undefined;
  let store: SecretStore;
  if (existsSync(team.secretsFile)) {
    store = await openSecrets(team);
  } else {
    let identities = await readIdentities();
    if (identities.length === 0) {
      identities = [await createIdentity()];
      identity = identityFile();
    }
    store = newSecrets(team.secretsFile, [...(await recipientsOf(identities)), ...recipients]);
  }
  const made: string[] = [];
  const fill = (path: string, make: () => string): void => {
    if (store.get(path) !== undefined) return;
    store.set(path, make());
    made.push(path);
  };
  const fillKeyPair = (path: string, comment: string): void => {
    // Half a pair is of no use: both are made anew.
    if (store.get(`${path}.private`) !== undefined && store.get(`${path}.public`) !== undefined) return;
    const pair = generateSshKeyPair(comment);
    store.set(`${path}.private`, pair.private);
    store.set(`${path}.public`, pair.public);
    made.push(`${path}.private`, `${path}.public`);
  };

  fillKeyPair("ssh.deploy", `deploy@${team.name}`);
  for (const machine of team.machines) fillKeyPair(`hosts.${machine.name}`, machine.name);
  fill("postgresql.mattermost", generatePassword);
  fill("mattermost.admin.password", generatePassword);
  for (const agent of Object.keys(team.team.agents)) fill(`agents.${agent}.dashboard`, generateToken);
  fill("pulumi.passphrase", generateToken);
  fill("team.hmac", () => randomBytes(32).toString("hex"));
  await store.save();
  return { store, made, identity };
}
