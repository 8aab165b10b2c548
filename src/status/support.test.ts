import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { SecretStore } from "../../secrets/store.ts";
import { projectRoot } from "../base/paths.ts";
import { Secret } from "../base/secret.ts";
import { formsOf } from "../base/secret-forms.ts";
import type { SshConnection } from "../ssh/connection.ts";
import { loadTeam } from "../team/load.ts";
import type { LoadedTeam } from "../team/model.ts";
import { redacted } from "./redact.ts";
import { supportBundle } from "./support.ts";

const canary = 'kept "in" the\nstore-7f3a9';
/** Nobody's that we know of: pasted by somebody, printed by some program. */
const pasted = [
  "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
  "sk-proj-abcdefghijklmnop1234",
  "AGE-SECRET-KEY-1QQPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
  "hunter2hunter2",
  "c29tZSBrZXkgbWF0ZXJpYWw",
];
const leaky = [
  `env: KEY=${formsOf(canary)[0]} ${canary}`,
  ...formsOf(canary).map((form) => `form ${form}`),
  `cloned with ${pasted[0]}, model key ${pasted[1]}, ${pasted[2]}`,
  `DB_PASSWORD=${pasted[3]} postgres://mmuser:${pasted[3]}@10.0.0.1/x`,
  `-----BEGIN OPENSSH PRIVATE KEY-----\n${pasted[4]}\n-----END OPENSSH PRIVATE KEY-----`,
].join("\n");

const values = new Map([["models.openai", new Secret("models.openai", canary)]]);
const secrets = {
  get: (path: string) => values.get(path) ?? new Secret(path, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKnown"),
  require: (path: string) => values.get(path) ?? new Secret(path, "token-of-the-dashboard"),
  all: () => [...values.values(), new Secret("agents.athena.dashboard", "token-of-the-dashboard")],
  paths: () => [...values.keys()],
} as unknown as SecretStore;

let folder: string;
let team: LoadedTeam;
let agent: Server;
const asked: string[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "olympus-support-"));
  const example = readFileSync(join(projectRoot, "examples/lab/team.yaml"), "utf8");
  const file = join(folder, "team.yaml");
  writeFileSync(file, `# ${formsOf(canary)[3]}\n${example.replaceAll("10.220.1.", "127.77.11.")}`);
  team = await loadTeam(file);
  agent = createServer((request, response) => {
    asked.push(request.url!);
    response.end(JSON.stringify({ version: 1, lines: [{ message: leaky, fields: JSON.stringify({ leaky }) }] }));
  });
  await new Promise<void>((resolve) => agent.listen(18789, "127.77.11.50", resolve));
});
afterAll(() => {
  agent.close();
  rmSync(folder, { recursive: true });
});

it("holds no secret in any form, known or only looking like one, and says what could not be had", async () => {
  const exec = async () => ({ code: 0, stdout: leaky, stderr: "" });
  const bundle = await supportBundle({
    team,
    secrets,
    lines: 10,
    signal: new AbortController().signal,
    connect: async (target): Promise<SshConnection> => {
      if (target.name === "agora") throw new Error("agora is off");
      return { target, exec, close: () => undefined };
    },
  });
  const text = JSON.stringify(bundle);
  for (const word of [...formsOf(canary), ...pasted, "token-of-the-dashboard"]) expect(text).not.toContain(word);
  expect(text).toContain("[secret:models.openai]");
  expect(text).toContain("[looks like a token]");
  expect(asked.sort()).toEqual(expect.arrayContaining(["/api/log?level=warn", "/api/status"]));
  const found = bundle as { journals: Record<string, unknown>; agents: Record<string, object>; team: string };
  expect(found.journals.agora).toEqual(["could not be had: agora is off"]);
  expect(found.journals.athena).toContainEqual(expect.stringContaining("[looks like a secret]"));
  expect(Object.keys(found.agents.athena!)).toEqual(["status", "log"]);
  expect(found.team).toContain("name: lab");
});

it("leaves what is no secret as it is", () => {
  const plain = {
    "a key": ["no token here", 7, null],
    line: "the password was wrong; token: none",
    at: "http://10.0.0.1:8065/x",
  };
  expect(redacted(plain, [])).toEqual(plain);
});

it.each([
  ["Authorization: Basic bWFyYTpodW50ZXIy", "bWFyYTpodW50ZXIy"],
  ["-H 'authorization: token 0a1b2c3d4e5f'", "0a1b2c3d4e5f"],
  ['sent {"Authorization":"Basic bWFyYTpodW50ZXIy"} there', "bWFyYTpodW50ZXIy"],
  ["aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY", "wJalrXUtnFEMI"],
  ["AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCY", "wJalrXUtnFEMI"],
  [`npm_${"aB3".repeat(12)}`, "aB3aB3"],
  [`login with hf_${"aBcD".repeat(8)}.`, "aBcDaBcD"],
  ["curl -u mara:hunter2 http://10.0.0.1/", "hunter2"],
  ["curl -sSu 'mara:hunter 2two' http://10.0.0.1/", "hunter"],
  ["curl -s \\\n  --user=mara:hunter2 http://10.0.0.1/", "hunter2"],
  ['{"headers":{"authorization":"Basic bWFyYTpodW50ZXIy"}}', "bWFyYTpodW50ZXIy"],
  ['{"headers":{"authorization":"0a1b2c3d4e5f"},"db":{"password":"hunter2"}}', "hunter2"],
])("takes the secret out of %j", (line, secret) => {
  const text = String(redacted(line, []));
  expect(text).toMatch(/\[looks like a (token|secret|password)\]/);
  expect(text).not.toContain(secret);
});

it.each([
  "Authorization: Basic authentication is off; authorization: required",
  "authorization failed: Authorization: token expired",
  "npm_config_cache=/root/.npm npm_lifecycle_event=test hf_hub_download",
  "aws_access is not set, an access key is missing",
  "curl -u takes a name and a password; sort -u a.txt b.txt",
  "curl http://10.0.0.1:8065/x -o out:put",
  '{"tokens":"about 1200","secrets":"secrets.enc.yaml","tokenFile":"/etc/olympus/secrets/chat"}',
])("leaves %j as it is", (line) => {
  expect(redacted(line, [])).toBe(line);
});
