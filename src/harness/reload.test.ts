import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { agentConfig } from "../../test/support/agent-config.ts";
import { grantLine } from "../base/grants.ts";
import { checkAgent } from "./reload.ts";

const names = ["chat", "dashboard", "model", "forge", "team-key", "review", "webhook"];
let dir: string;
let configFile: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "olympus-reload-"));
  configFile = join(dir, "agent.json");
  const config = agentConfig({
    chat: { tokenFile: join(dir, "chat") },
    listen: { address: "127.0.0.1", port: 0, tokenFile: join(dir, "dashboard") },
    models: [{ provider: "anthropic", model: "m", keyFile: join(dir, "model") }],
    forge: {
      api: "http://forge",
      login: "athena-bot",
      tokenFile: join(dir, "forge"),
      keyFile: join(dir, "team-key"),
      reviewTokenFile: join(dir, "review"),
      webhook: { address: "127.0.0.1", port: 0, secretFile: join(dir, "webhook") },
      name: "x",
      email: "x@x.example",
      repositories: [{ name: "olympus/app" }],
    },
  });
  writeFileSync(configFile, JSON.stringify(config));
  for (const name of names)
    writeFileSync(join(dir, name), name === "dashboard" ? grantLine("value", ["read"]) : "value");
});
afterEach(() => rmSync(dir, { recursive: true }));

test("a configuration whose secrets are all there is taken", async () => {
  await expect(checkAgent(configFile)).resolves.toBeUndefined();
});

test("a token that stands in the open is refused before anything is stopped", async () => {
  writeFileSync(join(dir, "dashboard"), `${grantLine("value", ["read"])}\nvalue`);
  await expect(checkAgent(configFile)).rejects.toMatchObject({
    code: "E-AGENT-SECRET",
    where: `${join(dir, "dashboard")}:2`,
  });
});

test.each(names)(
  "a configuration that names a missing secret is refused before anything is stopped: %s",
  async (name) => {
    rmSync(join(dir, name));
    await expect(checkAgent(configFile)).rejects.toMatchObject({ code: "E-AGENT-SECRET", where: join(dir, name) });
  },
);
