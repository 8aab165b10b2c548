import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openSecrets } from "../../secrets/store.ts";
import { type FakeHosts, fakeHosts } from "../../test/support/fake-hosts.ts";
import { labTeam } from "../../test/support/team.ts";
import { silentReporter } from "../base/report.ts";
import type { LoadedTeam } from "../team/model.ts";
import type { ModelChoice } from "../team/schema.ts";
import { type RotateContext, rotationOf, runRotation } from "./index.ts";

// The host's script really runs, and asks a provider that is played.

let base: LoadedTeam;
let hosts: FakeHosts;
let folder = "";
let provider: Server | undefined;

beforeAll(async () => {
  const made = await labTeam();
  ({ team: base, folder } = made);
  hosts = fakeHosts(folder);
  hosts.setKeys("athena", made.secrets.require("ssh.deploy.public").reveal());
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => provider?.close());

/** Starts a provider that answers as `statusOf` says; gives its address and the paths that it was asked for. */
async function provide(statusOf: (headers: IncomingHttpHeaders) => number): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer(({ url, headers }, response) => {
    asked.push(url!);
    response.writeHead(statusOf(headers)).end("{}");
  });
  provider = server;
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

async function contextWith(name: string, ...models: ModelChoice[]) {
  const here = mkdtempSync(join(folder, "secrets-"));
  const team: LoadedTeam = {
    ...base,
    secretsFile: join(here, "secrets.enc.yaml"),
    machines: base.machines.map((one) => (one.agent ? { ...one, agent: { ...one.agent, models } } : one)),
  };
  copyFileSync(base.secretsFile, team.secretsFile);
  const secrets = await openSecrets(team);
  secrets.set(`models.${name}`, "first-key");
  const reporter = silentReporter();
  const context: RotateContext = {
    team,
    secrets,
    reporter,
    signal: new AbortController().signal,
    chatUrl: "",
    apply: () => Promise.resolve(),
    async connect(target) {
      const connection = await hosts.connect()(target);
      const here = (command: string) => command.replace(/\/opt\/olympus\/node\/[^/]+\/bin\/node/, process.execPath);
      return { ...connection, exec: (command, options) => connection.exec(here(command), options) };
    },
  };
  const rotate = () => {
    const rotation = rotationOf(`models.${name}`, context, () => Promise.resolve("second-key"));
    return runRotation(rotation, context);
  };
  return { secrets, reporter, rotate };
}

test.each([
  ["anthropic", "/v1/models", "x-api-key", "second-key"],
  ["openai", "/v1/models", "authorization", "Bearer second-key"],
  ["google", "/v1beta/models", "x-goog-api-key", "second-key"],
  ["openai-compatible", "/v1/models", "authorization", "Bearer second-key"],
] as const)("%s is asked with the new key before the old one is forgotten", async (name, path, header, value) => {
  const { url, asked } = await provide((headers) => (headers[header] === value ? 200 : 401));
  const models = [
    { provider: name, model: "large", baseUrl: url },
    { provider: name, model: "small", baseUrl: url },
  ];
  const { secrets, rotate } = await contextWith(name, ...models);
  await rotate();
  expect(asked).toEqual([path]);
  expect([secrets.require(`models.${name}`).reveal(), secrets.get(`rotation.models.${name}`)]).toEqual([
    "second-key",
    undefined,
  ]);
});

test("a key that is refused: told with what to do, and the old one is still known", async () => {
  const { url } = await provide((headers) => (headers["x-api-key"] === "third-key" ? 200 : 401));
  const { secrets, rotate } = await contextWith("anthropic", { provider: "anthropic", model: "m", baseUrl: url });
  await expect(rotate()).rejects.toMatchObject({
    code: "E-ROTATE",
    where: "athena",
    message: `${url}/v1/models answers HTTP 401 to the new key`,
    hint: expect.stringContaining("npx olympus secrets set models.anthropic"),
  });
  expect(secrets.require("rotation.models.anthropic").reveal()).toBe("first-key");
  secrets.set("models.anthropic", "third-key");
  await rotate();
  expect(secrets.get("rotation.models.anthropic")).toBeUndefined();
});

test("a provider that is not there, or is broken: the same command tries again", async () => {
  const { url } = await provide(() => 503);
  const broken = await contextWith("openai", { provider: "openai", model: "m", baseUrl: `${url}/v1` });
  const again = { code: "E-ROTATE", hint: "Run the same command again: it goes on where it was." };
  await expect(broken.rotate()).rejects.toMatchObject({
    ...again,
    message: `${url}/v1/models answers HTTP 503 to the new key`,
  });
  provider!.close();
  await expect(broken.rotate()).rejects.toMatchObject({ ...again, message: expect.stringContaining("ECONNREFUSED") });
});

test("a server that lists no models cannot be asked: said, and taken", async () => {
  const { url } = await provide(() => 404);
  const name = "openai-compatible";
  const { secrets, reporter, rotate } = await contextWith(name, { provider: name, model: "m", baseUrl: url });
  await rotate();
  expect(reporter.lines.join("\n")).toContain(`warning: ${url}/v1/models lists no models`);
  expect(secrets.get(`rotation.models.${name}`)).toBeUndefined();
});
