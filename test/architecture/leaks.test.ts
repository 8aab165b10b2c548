import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { looksSecret } from "../support/leaks.ts";

vi.setConfig({ testTimeout: 120_000 });

/** Made for tests, and opening nothing else. */
const forTests = /^secrets\/fixtures\/|\.test\.ts$|^test\//;

const git = (...words: string[]): string =>
  execFileSync("git", words, { cwd: projectRoot, encoding: "utf8", maxBuffer: 1 << 30 });

describe("what is committed", () => {
  it("holds nothing that looks like a secret", () => {
    const files = git("ls-files", "-z")
      .split("\0")
      .filter((file) => file !== "" && !forTests.test(file) && existsSync(join(projectRoot, file)));
    expect(files.length).toBeGreaterThan(300);
    const found = files.flatMap((file) =>
      looksSecret(readFileSync(join(projectRoot, file), "utf8")).map((what) => `${file}: ${what}`),
    );
    expect(found).toEqual([]);
  });

  it("never held any", () => {
    const history = git(
      "log",
      "--all",
      "-p",
      "-U0",
      "--no-color",
      "--no-ext-diff",
      "--no-renames",
      "--",
      ":!sdks",
      ":!*.lock.json",
    );
    expect(history).toContain("diff --git");
    const found = history.split(/^diff --git a\//m).flatMap((part) => {
      const file = part.split(" ")[0]!;
      return forTests.test(file) ? [] : looksSecret(part).map((what) => `${file}: ${what}`);
    });
    expect([...new Set(found)]).toEqual([]);
  });
});

it.each([
  ["age identity", `AGE-SECRET-KEY-1${"Q".repeat(58)}`],
  ["private key", `-----BEGIN OPENSSH PRIVATE KEY-----\n${"b3Blb".repeat(14)}`],
  ["Anthropic key", `key: sk-ant-api03-${"x".repeat(30)}`],
  ["OpenAI key", `OPENAI_API_KEY=sk-proj-${"a1".repeat(24)}`],
  ["Google key", `AIza${"b".repeat(35)}`],
  ["GitHub token", `ghp_${"A1".repeat(18)}`],
  ["AWS key", "AKIAABCDEFGHIJKLMNOP"],
  ["Slack token", "xoxb-1234567890-abc"],
  ["Mattermost token", `token: ${"x1y2z3".repeat(4)}ab`],
  ["Mattermost token", `"access_token": "${"x1y2z3".repeat(4)}ab"`],
  ["Mattermost token", `MM_TOKEN=${"x1y2z3".repeat(4)}ab`],
  ["bearer token", `Authorization: Bearer ${"x1y2z3".repeat(4)}ab`],
  ["password in an address", "postgres://mattermost:Abcdefgh12345678@127.0.0.1"],
])("a planted %s is found", (name, planted) => {
  expect(looksSecret(`before\n${planted} after`)).toEqual([expect.stringContaining(name)]);
});

it.each([`channel_id: ${"x1y2z3".repeat(4)}ab`, "token: abcdefghijklmnopqrstuvwxyz", `token: ${"0a".repeat(20)}`])(
  "%s is none",
  (text) => expect(looksSecret(text)).toEqual([]),
);
