import { exitCodes, OlympusError } from "../src/base/errors.ts";

/** Somebody who can open a file: an age recipient with the data key sealed to them. */
export interface Recipient {
  readonly recipient: string;
  readonly enc: string;
}

/** The part `sops` of a file. Beside what is named here it may hold whatever SOPS's own users set up. */
export interface Metadata {
  readonly age?: readonly Recipient[];
  readonly lastmodified?: string;
  readonly mac?: string;
  readonly mac_only_encrypted?: boolean;
  readonly [other: string]: unknown;
}

/** What every save writes anew. */
const written = new Set(["age", "lastmodified", "mac", "version"]);
/** Other holders of the data key. Their parts stay good for as long as the data key does. */
const holders = new Set(["pgp", "kms", "gcp_kms", "hckms", "azure_kv", "hc_vault"]);

/**
 * What a save carries over unchanged: those who open the file with something other than age. Throws E-SECRETS-FOREIGN where a save
 * would lose what somebody set up with sops: rules for what is encrypted, or (with a new data key) those holders themselves.
 */
export function holdersToKeep(metadata: Metadata, newDataKey: boolean, where: string): Record<string, unknown> {
  const set = Object.entries(metadata).filter(([name, value]) => !written.has(name) && !isNothing(value));
  const rules = set.filter(
    ([name, value]) => !holders.has(name) && !(name === "unencrypted_suffix" && value === "_unencrypted"),
  );
  if (rules.length > 0) {
    throw foreign(
      where,
      `the secrets file has settings of sops that Olympus does not keep: ${rules.map(([name]) => name).join(", ")}`,
      "Change the value with `sops edit`, which keeps them; reading works as it is.",
    );
  }
  const others = set.filter(([name]) => holders.has(name));
  if (newDataKey && others.length > 0) {
    throw foreign(
      where,
      `taking somebody away means a new data key, which Olympus cannot give to ${others.map(([name]) => name).join(", ")}`,
      "Use sops: `sops rotate --in-place --rm-age age1… FILE`.",
    );
  }
  return Object.fromEntries(others);
}

/** Throws E-SECRETS-FOREIGN where no single holder can open the file: the data key is split among groups. */
export function needsSeveral(metadata: Metadata, where: string): void {
  if (isNothing(metadata.key_groups)) return;
  throw foreign(
    where,
    "the secrets file's key is split among several groups (key_groups)",
    "Write it anew for age recipients: `sops decrypt FILE`, then `sops encrypt --age age1… FILE`.",
  );
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === "" || value === false || isEmptyList(value);
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function foreign(where: string, problem: string, hint: string): OlympusError {
  return new OlympusError(problem, { code: "E-SECRETS-FOREIGN", exit: exitCodes.usage, where, hint });
}
