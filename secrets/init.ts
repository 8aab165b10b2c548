import { existsSync } from "node:fs";
import type { LoadedTeam } from "../src/team/model.ts";
import { generatedSecrets } from "./generated.ts";
import { createIdentity, identityFile, readIdentities, recipientsOf } from "./identity.ts";
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
      identities = await createIdentity();
      identity = identityFile();
    }
    store = newSecrets(team.secretsFile, [...(await recipientsOf(identities)), ...recipients]);
  }
  const made: string[] = [];
  for (const { paths, make } of generatedSecrets(team)) {
    // Half a pair is of no use: both are made anew.
    if (paths.every((path) => store.get(path) !== undefined)) continue;
    for (const [at, value] of make().entries()) store.set(paths[at]!, value);
    made.push(...paths);
  }
  await store.save();
  return { store, made, identity };
}
