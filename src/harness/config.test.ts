import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { OlympusError } from "../base/errors.ts";
import { loadAgentConfig, parseAgentConfig } from "./config.ts";
import { readSecretFile } from "./secret-file.ts";

const good = {
  version: 1,
  agent: "athena",
  team: "lab",
  persona: "x",
  chat: { url: "http://chat:8065/", tokenFile: "t", botId: "b" },
  models: [{ provider: "rehearsal", model: "rehearsal", baseUrl: "http://model:18780" }],
  budget: { run: 1, day: 5 },
  listen: { address: "127.0.0.1", port: 18789, tokenFile: "d" },
  dataDir: "/srv/olympus/agent",
};

test("a good configuration gets its defaults", () => {
  const config = parseAgentConfig(JSON.stringify(good), "agent.json");
  expect(config.chat.url).toBe("http://chat:8065");
  expect(config.chat.people).toEqual([]);
  expect(config.limits.runs).toBe(4);
});

const wrong: [string, object, RegExp][] = [
  ["an unknown key", { ...good, colour: "blue" }, /colour/],
  ["no models", { ...good, models: [] }, /models/],
  [
    "a provider without its key",
    { ...good, models: [{ provider: "anthropic", model: "m" }] },
    /models\.0\.keyFile: anthropic needs one/,
  ],
  [
    "a rehearsal without its address",
    { ...good, models: [{ provider: "rehearsal", model: "m" }] },
    /models\.0\.baseUrl/,
  ],
  ["a relative data directory", { ...good, dataDir: "data" }, /dataDir/],
  ["an unknown time zone", { ...good, timezone: "Mars/Olympus" }, /timezone: not a time zone/],
  ["a negative budget", { ...good, budget: { run: -1, day: 5 } }, /budget\.run/],
  ["another version", { ...good, version: 2 }, /version/],
];

test.each(wrong)("G3 %s is refused, and named", (_, config, message) => {
  expect(() => parseAgentConfig(JSON.stringify(config), "agent.json")).toThrow(message);
});

test("G3 every mistake is named at once; a cut file and a missing one are told apart", async () => {
  expect(() => parseAgentConfig('{"version": 1}', "agent.json")).toThrow(/agent:[\s\S]*chat:[\s\S]*dataDir:/);
  expect(() => parseAgentConfig('{"version": 1', "agent.json")).toThrow(/not JSON/);
  await expect(loadAgentConfig("/nowhere/agent.json")).rejects.toMatchObject({
    code: "E-AGENT-CONFIG",
    where: "/nowhere/agent.json",
  });
});

test("secrets come from the credentials directory, else from beside the configuration", () => {
  const dir = mkdtempSync(join(tmpdir(), "olympus-secret-"));
  writeFileSync(join(dir, "token"), "abc\n");
  writeFileSync(join(dir, "empty"), "\n");
  expect(readSecretFile("token", "/elsewhere/agent.json", { CREDENTIALS_DIRECTORY: dir }).reveal()).toBe("abc");
  expect(readSecretFile("token", join(dir, "agent.json"), {}).reveal()).toBe("abc");
  expect(() => readSecretFile("empty", join(dir, "agent.json"), {})).toThrow(OlympusError);
  expect(() => readSecretFile("gone", join(dir, "agent.json"), {})).toThrow(/gone/);
  rmSync(dir, { recursive: true });
});
