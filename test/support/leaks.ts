import { maskSecrets, type Secret } from "../../src/base/secret.ts";

/** What secrets look like, whoever made them. Each must have something that prose and hashes have not. */
const patterns: Readonly<Record<string, RegExp>> = {
  "age identity": /AGE-SECRET-KEY-1[0-9A-Z]{58}/g,
  "private key": /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}/g,
  "Anthropic key": /\bsk-ant-[A-Za-z0-9_-]{20}/g,
  "OpenAI key": /\bsk-(?:proj-)?[A-Za-z0-9]{32}/g,
  "Google key": /\bAIza[A-Za-z0-9_-]{35}/g,
  "GitHub token": /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40})/g,
  "AWS key": /\bAKIA[0-9A-Z]{16}\b/g,
  "Slack token": /\bxox[abprs]-[A-Za-z0-9-]{10}/g,
  // 26 letters and digits say nothing by themselves: ids look the same. A digit has to be among them, or any long word would do.
  "Mattermost token":
    /\b(?:access_?|bot_?|personal_?|mm_?)*token["']?\s*[:=]\s*["']?(?=[a-z]*\d)[a-z0-9]{26}(?![A-Za-z0-9_.-])/gi,
  "bearer token": /\bBearer (?=[a-z]*\d)[a-z0-9]{26}(?![A-Za-z0-9_.-])/g,
  "password in an address": /\b[a-z][a-z0-9+]*:\/\/[A-Za-z0-9_.-]+:[A-Za-z0-9]{16,}@/g,
};

/** Pieces of a text that look like a secret, with what they look like. */
export function looksSecret(text: string): string[] {
  return Object.entries(patterns).flatMap(([name, pattern]) =>
    [...text.matchAll(pattern)].map(([found]) => `${name}: ${found.split("\n")[0]}`),
  );
}

/** Names of the secrets that are in a text, in whatever encoding. */
export function secretsIn(text: string, secrets: readonly Secret[]): string[] {
  return secrets.filter((secret) => maskSecrets(text, [secret]) !== text).map(({ name }) => name);
}

/** Those of a team's secrets that open something: public halves and ids stand in many places in the open. */
export function canariesOf(secrets: readonly Secret[]): Secret[] {
  return secrets.filter(({ name }) => !/\.(public|id|tokenId|passwordSet|certificate|former)$/.test(name));
}

/** Lines to look for, for programs that know no encodings. The first line of every private key of OpenSSH is the same. */
export function linesOf(secrets: readonly Secret[]): string[] {
  const lines = secrets.flatMap((secret) => secret.reveal().split("\n"));
  return lines.filter((line) => line.length > 11 && !/^(-----|b3BlbnNzaC1rZXktdjEA)/.test(line));
}
