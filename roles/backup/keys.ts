import { generateSshKeyPair } from "../../secrets/ssh-keys.ts";
import type { SecretStore } from "../../secrets/store.ts";
import { Secret } from "../../src/base/secret.ts";

/** The key with which a host brings its backups to where they are kept; made when it is missing, in the file with the next save. */
export function transportKey(host: string, secrets: SecretStore): { private: Secret; public: string } {
  const path = `backup.${host}.ssh`;
  if (secrets.get(`${path}.private`) === undefined) {
    const pair = generateSshKeyPair(`backup@${host}`);
    secrets.set(`${path}.private`, pair.private);
    secrets.set(`${path}.public`, pair.public);
  }
  return { private: secrets.require(`${path}.private`), public: secrets.require(`${path}.public`).reveal() };
}

/** Public halves that a host's backups are taken by: the key's own, and that of the one before while a rotation is under way. */
export function acceptedKeys(host: string, secrets: SecretStore): string[] {
  const before = secrets.get(`rotation.backup.${host}.ssh.public`)?.reveal();
  return [transportKey(host, secrets).public, ...(before === undefined ? [] : [before])];
}

/** Identities of before a rotation, a line each: the host opens with them what is still kept from then. Nothing new is sealed for them. */
export const earlierIdentities = (host: string): string => `backup.${host}.earlier`;

/**
 * The age identities with which a host opens its own backups again, for verifying and restoring without a person, a line each, and
 * everybody whom new ones are sealed for: the first of them, and all who can open the team's secrets.
 */
export async function sealingKeys(
  host: string,
  secrets: SecretStore,
): Promise<{ identity: Secret; recipients: readonly string[] }> {
  const { generateX25519Identity, identityToRecipient } = await import("age-encryption");
  const path = `backup.${host}.identity`;
  if (secrets.get(path) === undefined) secrets.set(path, await generateX25519Identity());
  const identity = secrets.require(path).reveal();
  const earlier = secrets.get(earlierIdentities(host))?.reveal();
  const own = await identityToRecipient(identity);
  const lines = [identity, ...(earlier === undefined ? [] : [earlier])].map((line) => `${line}\n`);
  return { identity: new Secret(path, lines.join("")), recipients: [own, ...secrets.recipients()] };
}
