import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSecrets } from "../../secrets/store.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { chatClient } from "../../src/bootstrap/client.ts";
import { loadTeam } from "../../src/team/load.ts";
import { type MattermostServer, startMattermost } from "../support/mattermost.ts";
import { olympus, olympusOk } from "../support/olympus.ts";

// The commands as a person starts them, on the lab's team with its addresses moved to the loopback network.

let server: MattermostServer;
let folder = "";
let env: Record<string, string> = {};
let team = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "olympus-chat-"));
  team = join(folder, "team.yaml");
  env = { SOPS_AGE_KEY_FILE: join(folder, "age.txt") };
  // This process opens the same secrets as the commands.
  Object.assign(process.env, env);
  const text = await readFile(join(projectRoot, "examples/lab/team.yaml"), "utf8");
  await writeFile(team, text.replaceAll("10.220.1.", "127.0.0.").replace("gateway: 127.0.0.1", "gateway: 127.0.0.254"));
  [server] = await Promise.all([
    startMattermost({}, { host: "127.0.0.20", port: 8065 }),
    olympusOk(["secrets", "init", "--team", team], { env }),
  ]);
});

afterAll(async () => {
  await server?.stop();
  if (folder !== "") await rm(folder, { recursive: true });
});

/** What athena's bot can read, whichever channel it is in. */
async function messages(): Promise<string[]> {
  const secrets = await openSecrets(await loadTeam(team));
  const client = chatClient(server.url, secrets.require("mattermost.bots.athena.token").reveal());
  const teams = await client.getMyTeams();
  const channels = (await Promise.all(teams.map(({ id }) => client.getMyChannels(id)))).flat();
  const pages = await Promise.all(channels.map(({ id }) => client.getPosts(id)));
  return pages.flatMap(({ posts }) => Object.values(posts).map(({ message }) => message));
}

const run = (...words: string[]) => olympus([...words, "--team", team], { env });

test("bootstrap shows one-time passwords once, and says that nothing changed the second time", async () => {
  const first = await run("bootstrap", "--json");
  expect(first.code).toBe(0);
  const passwords = [...first.stderr.matchAll(/^password {2}(\w+): (\S+)/gm)];
  expect(passwords.map(([, person]) => person)).toEqual(["mara", "kim", "olaf"]);
  for (const [, , password] of passwords) expect(first.stdout).not.toContain(password);
  expect(first.events.at(-1)).toMatchObject({ type: "bootstrap", pending: ["mara", "kim", "olaf"], url: server.url });

  const second = await run("bootstrap");
  expect(second).toMatchObject({ code: 0, stdout: 'Nothing changed. Next: npx olympus chat @athena "hello"' });
  expect(second.stderr).toContain("still with a one-time password: mara, kim, olaf");
  expect(second.stderr).not.toContain("password  ");
});

test("chat without an answer ends with 2, the reason and the next step", async () => {
  const result = await run("chat", "@athena", "hello", "--wait", "1", "--json");
  expect(result.code).toBe(2);
  expect(result.stderr).toContain("its harness is not connected to the chat");
  expect(result.stderr).toContain("olympus logs athena");
  expect(result.events.at(-1)).toMatchObject({ type: "error", code: "E-CHAT-NO-ANSWER" });
});

test("left by Ctrl-C it ends at once, and does not say that asking again goes on from there", async () => {
  const child = execa(join(projectRoot, "scripts/olympus"), ["chat", "@athena", "left alone", "--team", team], {
    env,
    reject: false,
  });
  let told = "";
  child.stderr.on("data", (chunk: Buffer) => {
    told += chunk;
  });
  await expect.poll(messages, { timeout: 60_000 }).toContain("@athena left alone");
  const began = performance.now();
  child.kill("SIGINT");
  expect((await child).exitCode).toBe(130);
  expect(performance.now() - began).toBeLessThan(10_000);
  expect(told).toContain("answered in the chat all the same");
  expect(told).not.toMatch(/go on from here|take a minute/);
});

test("words that lead nowhere end with 1 and what was meant", async () => {
  expect(await run("chat", "@athina", "hello")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("Did you mean athena?"),
  });
  expect(await run("chat", "@athena")).toMatchObject({ code: 1, stderr: expect.stringContaining("there is no text") });
  expect(await run("chat", "hello", "--wait", "soon")).toMatchObject({ code: 1 });
});

test("a password that does not fit, and a server that is down, end with 2 and 4", async () => {
  const secrets = await openSecrets(await loadTeam(team));
  const right = secrets.require("mattermost.admin.password").reveal();
  secrets.set("mattermost.admin.password", "wrong-Password-1");
  await secrets.save();
  expect(await run("bootstrap")).toMatchObject({ code: 2, stderr: expect.stringContaining("E-CHAT-LOGIN") });
  secrets.set("mattermost.admin.password", right);
  await secrets.save();
  await server.kill();
  expect(await run("chat", "hello")).toMatchObject({ code: 4, stderr: expect.stringContaining("E-CHAT-DOWN") });
});
