import type { SecretStore } from "../../secrets/store.ts";
import { distributionOf } from "../../src/team/distribution.ts";
import type { Host } from "../../src/team/hosts.ts";

/** A key that commits are checked by. */
export interface Signer {
  readonly email: string;
  /** The public half. */
  readonly key: string;
  /** Nothing that was signed later counts: `20270131120000Z`. */
  readonly until?: string;
}

/** Where the public halves of before stay among the secrets, for good as commits do: a line for each, the time of its end before it. */
export function formerKeysPath(agent: string): string {
  return `agents.${agent}.signing.former`;
}

/**
 * The keys that an agent's commits are checked by: its own, beside it the one that a rotation under way replaces, and those of before, each
 * until its end. Without `ends` those count at any time.
 */
export function signersOf(agent: string, email: string, secrets: Pick<SecretStore, "get">, ends: boolean): Signer[] {
  const path = `agents.${agent}.signing.public`;
  const now = [path, `rotation.${path}`].flatMap((one) => secrets.get(one)?.reveal() ?? []);
  const former = secrets.get(formerKeysPath(agent))?.reveal().trim().split("\n") ?? [];
  return [
    ...now.map((key) => ({ email, key })),
    ...former.map((line) => {
      const [until = "", ...key] = line.split(" ");
      return { email, key: key.join(" "), ...(ends ? { until } : {}) };
    }),
  ];
}

/** Whether a host's git asks ssh how a key was at a commit's own time. That of Ubuntu 22.04 does not, and its ssh stumbles over such a line. */
export function knowsEnds(host: Pick<Host, "machine">): boolean {
  return distributionOf(host) !== "ubuntu-22.04";
}

/** The file of allowed signers: a line for each key, who, what for, until when, the key. */
export function allowedSigners(signers: readonly Signer[]): string {
  return signers
    .map(({ email, key, until }) => {
      const options = `namespaces="git"${until === undefined ? "" : `,valid-before="${until}"`}`;
      return `${email} ${options} ${key.split(" ").slice(0, 2).join(" ")}\n`;
    })
    .join("");
}
