import { readFileSync, rmSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSecrets, type SecretStore } from "../../secrets/store.ts";
import { silentReporter } from "../../src/base/report.ts";
import { loginAsAdmin } from "../../src/bootstrap/admin.ts";
import { chatClient } from "../../src/bootstrap/client.ts";
import { type BootstrapOptions, bootstrap } from "../../src/bootstrap/index.ts";
import { retireBot } from "../../src/bootstrap/retire.ts";
import { tokenFits } from "../../src/bootstrap/tokens.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { type MattermostServer, startMattermost } from "../support/mattermost.ts";
import { changedTeam, labTeam } from "../support/team.ts";

let server: MattermostServer;
let team: LoadedTeam;
let secrets: SecretStore;
let folder = "";

beforeAll(async () => {
  [server, { team, secrets, folder }] = await Promise.all([startMattermost(), labTeam()]);
});

afterAll(async () => {
  await server?.stop();
  if (folder !== "") rmSync(folder, { recursive: true });
});

/** Runs bootstrap; gives its result, the passwords that it showed and what it said that it changed. */
async function run(options: Partial<BootstrapOptions> = {}) {
  const reporter = silentReporter();
  const base = { team, secrets, reporter, signal: new AbortController().signal, url: server.url };
  const result = await bootstrap({ ...base, ...options });
  const shown = reporter.lines.map((line) => /^password {2}(\w+): (\S+) /.exec(line));
  const passwords = shown.flatMap((line) => (line === null ? [] : [{ person: line[1]!, password: line[2]! }]));
  expect(result.given).toEqual(passwords.map(({ person }) => person));
  const told = reporter.lines.filter((line) => !line.startsWith("password "));
  return { ...result, passwords, told, changes: reporter.events.map((event) => event.what) };
}

test("an empty server becomes the team's chat", async () => {
  const { changed, passwords, pending, changes } = await run();
  expect(changes).toContain("bot athena made");
  expect(changed).toBe(changes.length);
  expect(passwords.map(({ person }) => person)).toEqual(["mara", "kim", "olaf"]);
  expect(pending).toEqual(["mara", "kim", "olaf"]);

  const bot = chatClient(server.url, secrets.require("mattermost.bots.athena.token").reveal());
  const me = await bot.getMe();
  expect(me).toMatchObject({
    id: secrets.require("mattermost.bots.athena.id").reveal(),
    username: "athena",
    is_bot: true,
  });
  const [chatTeam] = await bot.getMyTeams();
  expect(chatTeam).toMatchObject({ name: "olympus", display_name: "Olympus" });
  const channels = (await bot.getMyChannels(chatTeam!.id)).map(({ name }) => name);
  expect(channels).toEqual(expect.arrayContaining(["olympus", "operations", "dev"]));

  const text = readFileSync(team.secretsFile, "utf8");
  const mara = passwords.find(({ person }) => person === "mara")!;
  expect(text).not.toContain(mara.password);
  expect((await openSecrets(team)).all().map((secret) => secret.reveal())).not.toContain(mara.password);
  const person = chatClient(server.url);
  const user = await person.login("mara", mara.password);
  expect(user).toMatchObject({ id: secrets.require("mattermost.people.mara.id").reveal(), first_name: "Mara" });
  expect(user.roles).toContain("system_admin");
  await person.updateUserPassword(user.id, mara.password, "her own password 1");
});

test("a second run changes nothing, and knows who has not changed the password yet", async () => {
  expect(await run()).toMatchObject({ changed: 0, changes: [], passwords: [], pending: ["kim", "olaf"] });
  const before = readFileSync(team.secretsFile, "utf8");
  expect(await run()).toMatchObject({ changed: 0, pending: ["kim", "olaf"] });
  expect(readFileSync(team.secretsFile, "utf8")).toBe(before);
});

test("only the team file adds people", async () => {
  const nobody = chatClient(server.url);
  const account = { username: "mallory", email: "mallory@olympus.example", password: "a password 1" };
  await expect(nobody.createUser(account as never, "", "")).rejects.toMatchObject({ status_code: 403 });
});

test("what was renamed in the team file is renamed in the chat", async () => {
  const renamed = changedTeam(team, (file) => {
    file.teams.olympus!.display = "Pantheon";
    file.people.kim!.name = "Kim Lee";
    file.people.mara!.admin = false;
  });
  expect((await run({ team: renamed })).changes).toEqual([
    "mara no longer administers the chat",
    "account of kim renamed",
    "team olympus renamed to Pantheon",
  ]);
  expect((await run({ team: renamed })).changed).toBe(0);
  expect((await run()).changed).toBe(3);
});

test("what somebody took away in the chat comes back", async () => {
  const { admin } = await loginAsAdmin(server.url, team, secrets);
  const botId = secrets.require("mattermost.bots.athena.id").reveal();
  const chatTeam = await admin.getTeamByName("olympus");
  const [dev, operations] = await Promise.all(
    ["dev", "operations"].map((name) => admin.getChannelByName(chatTeam.id, name)),
  );
  await admin.disableBot(botId);
  await admin.updateUserActive(secrets.require("mattermost.people.olaf.id").reveal(), false);
  await admin.deleteChannel(dev!.id);
  await admin.removeFromChannel(secrets.require("mattermost.people.kim.id").reveal(), operations!.id);
  expect((await run()).changes).toEqual([
    "bot athena enabled",
    "account of olaf activated",
    "1 joined channel operations",
    "channel dev brought back from the archive",
  ]);
  expect((await run()).changed).toBe(0);
});

test("a token that was lost or revoked is replaced, and the old one opens nothing", async () => {
  const old = secrets.require("mattermost.bots.athena.token").reveal();
  secrets.delete("mattermost.bots.athena.token");
  expect((await run()).changes).toEqual([
    "token for mattermost.bots.athena made",
    "an old token for mattermost.bots.athena revoked",
  ]);
  await expect(chatClient(server.url, old).getMe()).rejects.toMatchObject({ status_code: 401 });
  const { admin } = await loginAsAdmin(server.url, team, secrets);
  await admin.revokeUserAccessToken(secrets.require("mattermost.bots.athena.tokenId").reveal());
  expect((await run()).changes).toEqual(["token for mattermost.bots.athena made"]);
  expect((await run()).changed).toBe(0);
});

test("a new person gets an account; a new one-time password is given only when asked for", async () => {
  const larger = changedTeam(team, (file) => {
    file.people.nora = { ...file.people.olaf!, email: "nora@olympus.example" };
  });
  const added = await run({ team: larger });
  expect(added.changes).toEqual([
    "account of nora made",
    "1 joined team olympus",
    ...joined("olympus", "operations", "dev"),
  ]);
  const again = await run({ team: larger, newPassword: ["nora"] });
  expect(again.passwords).toHaveLength(1);
  const client = chatClient(server.url);
  await expect(client.login("nora", added.passwords[0]!.password)).rejects.toMatchObject({ status_code: 401 });
  await client.login("nora", again.passwords[0]!.password);
});

function joined(...channels: string[]): string[] {
  return channels.map((name) => `1 joined channel ${name}`);
}

test("an account that bootstrap did not make gets no rights unless it is adopted by name", async () => {
  const { admin } = await loginAsAdmin(server.url, team, secrets);
  const account = { username: "zeno", email: "zeno@elsewhere.example", password: "a password 1" };
  await admin.createUser(account as never, "", "");
  const larger = changedTeam(team, (file) => {
    file.people.zeno = { ...file.people.olaf!, email: "zeno@olympus.example" };
  });
  await expect(run({ team: larger })).rejects.toMatchObject({ code: "E-CHAT-PINNED", exit: 6 });
  const adopted = await run({ team: larger, adopt: ["zeno"] });
  expect(adopted.changes).toContain("account of zeno adopted");
  expect((await run({ team: larger })).changed).toBe(0);
});

test("a person who was renamed in the chat keeps account and rights; who takes the old name has none", async () => {
  const { admin } = await loginAsAdmin(server.url, team, secrets);
  const pin = () => secrets.require("mattermost.people.olaf.id").reveal();
  const olaf = pin();
  await admin.patchUser({ id: olaf, username: "olaf.berg" } as never);
  const renamed = await run();
  expect(renamed).toMatchObject({ changes: [], passwords: [] });
  expect(renamed.told).toEqual([expect.stringContaining("olaf is named olaf.berg in the chat")]);
  expect(pin()).toBe(olaf);

  // The address changed too, and another account has the name: that is nobody.
  await admin.patchUser({ id: olaf, email: "berg@elsewhere.example" } as never);
  const account = { username: "olaf", email: "other@elsewhere.example", password: "a password 1" };
  const other = await admin.createUser(account as never, "", "");
  expect((await run()).changes).toEqual(["account of olaf renamed"]);
  expect(pin()).toBe(olaf);
  expect((await admin.getUser(olaf)).email).toBe(team.team.people.olaf!.email);

  // Hers is deactivated: which of them is meant a person has to say.
  await admin.updateUserActive(olaf, false);
  await expect(run()).rejects.toMatchObject({ code: "E-CHAT-PINNED", exit: 6 });
  expect(pin()).toBe(olaf);
  expect((await admin.getUser(olaf)).delete_at).toBeGreaterThan(0);
  await admin.patchUser({ id: other.id, username: "somebody" } as never);
  expect((await run()).changes).toEqual(["account of olaf activated"]);
  await admin.patchUser({ id: olaf, username: "olaf" } as never);
  expect(await run()).toMatchObject({ changed: 0, told: [] });
});

test("an account that was deleted and made anew by somebody else has no rights until it is adopted", async () => {
  const larger = changedTeam(team, (file) => {
    file.people.vera = { ...file.people.olaf!, email: "vera@olympus.example" };
  });
  await run({ team: larger });
  const { admin } = await loginAsAdmin(server.url, team, secrets);
  const pin = () => secrets.require("mattermost.people.vera.id").reveal();
  const old = pin();
  // What `mmctl user delete` leaves: no account of that id.
  secrets.set("mattermost.people.vera.id", "gone4567890123456789012345");
  await admin.patchUser({ id: old, username: "vera.old", email: "vera.old@elsewhere.example" } as never);
  const account = { username: "vera", email: "vera@elsewhere.example", password: "a password 1" };
  const anew = await admin.createUser(account as never, "", "");
  await expect(run({ team: larger })).rejects.toMatchObject({ code: "E-CHAT-PINNED", exit: 6 });
  expect((await run({ team: larger, adopt: ["vera"] })).changes).toContain("account of vera adopted");
  expect(pin()).toBe(anew.id);
  expect((await run({ team: larger })).changed).toBe(0);
});

test("a bot that was renamed in the chat is the agent's still, and gets its name back", async () => {
  const { admin } = await loginAsAdmin(server.url, team, secrets);
  const pin = () => secrets.require("mattermost.bots.athena.id").reveal();
  const athena = pin();
  await admin.patchBot(athena, { username: "pallas" });
  expect((await run()).changes).toEqual(["bot pallas is athena again"]);
  expect(pin()).toBe(athena);

  // Another has its name meanwhile, even of our own making: which is meant a person has to say.
  await admin.patchBot(athena, { username: "pallas" });
  const other = await admin.createBot({ username: "athena" });
  await expect(run()).rejects.toMatchObject({ code: "E-CHAT-PINNED", exit: 6 });
  expect(pin()).toBe(athena);
  await admin.patchBot(other.user_id, { username: "other" });
  await run();
  expect(pin()).toBe(athena);
  expect((await run()).changed).toBe(0);
});

test("a run that was killed after making an account is mended by the next", async () => {
  const larger = changedTeam(team, (file) => {
    file.people.iris = { ...file.people.olaf!, email: "iris@olympus.example" };
  });
  // What the killed run left: the password among the secrets, the account on the server, no pin.
  secrets.set("mattermost.people.iris.oneTime", "Left-over-1-password");
  const { admin } = await loginAsAdmin(server.url, team, secrets);
  const account = { username: "iris", email: "iris@olympus.example", password: "Left-over-1-password" };
  await admin.createUser(account as never, "", "");
  const mended = await run({ team: larger });
  expect(mended.passwords).toEqual([{ person: "iris", password: "Left-over-1-password" }]);
  expect(secrets.get("mattermost.people.iris.oneTime")).toBeUndefined();
  expect((await run({ team: larger })).changed).toBe(0);
});

test("a person's account with an agent's name is told", async () => {
  const larger = changedTeam(team, (file) => {
    file.agents.kim = { ...file.agents.athena! };
  });
  await expect(run({ team: larger })).rejects.toMatchObject({ code: "E-CHAT-NAME" });
});

test("a bot that bootstrap did not make speaks for no agent unless it is adopted, and then nobody keeps a token of it", async () => {
  const { admin } = await loginAsAdmin(server.url, team, secrets);
  const account = { username: "eris", email: "eris@elsewhere.example", password: "a password 1" };
  const eris = await admin.createUser(account as never, "", "");
  await admin.updateUserRoles(eris.id, "system_user system_admin");
  const person = chatClient(server.url);
  await person.login("eris", "a password 1");
  const foreign = await person.createBot({ username: "hermes" });
  // Named as ours are: that must not help.
  const { token } = await person.createUserAccessToken(foreign.user_id, "olympus");
  const larger = changedTeam(team, (file) => {
    file.agents.hermes = { ...file.agents.athena! };
  });
  await expect(run({ team: larger })).rejects.toMatchObject({
    code: "E-CHAT-PINNED",
    exit: 6,
    message: expect.stringContaining("hermes"),
  });
  expect(secrets.get("mattermost.bots.hermes.id")).toBeUndefined();
  expect((await chatClient(server.url, token).getMe()).id).toBe(foreign.user_id);

  const { changes } = await run({ team: larger, adopt: ["hermes"] });
  expect(changes.slice(0, 2)).toEqual(["bot hermes adopted", 'token "olympus" of bot hermes revoked']);
  await expect(chatClient(server.url, token).getMe()).rejects.toMatchObject({ status_code: 401 });
  const ours = secrets.require("mattermost.bots.hermes.token").reveal();
  expect((await chatClient(server.url, ours).getMe()).id).toBe(foreign.user_id);
  expect((await run({ team: larger })).changed).toBe(0);
});

test("a bot that a killed run made and did not pin is taken up", async () => {
  const { admin } = await loginAsAdmin(server.url, team, secrets);
  await admin.createBot({ username: "apollo" });
  const larger = changedTeam(team, (file) => {
    file.agents.apollo = { ...file.agents.athena! };
  });
  expect((await run({ team: larger })).changes).toContain("token for mattermost.bots.apollo made");
  expect((await run({ team: larger })).changed).toBe(0);
});

test("after a restart nothing has changed", async () => {
  await server.restart();
  expect((await run()).changed).toBe(0);
});

test("an agent that is removed has no voice left: bot disabled, tokens revoked; it comes back as the same one", async () => {
  const { signal } = new AbortController();
  const id = secrets.require("mattermost.bots.athena.id").reveal();
  const token = secrets.require("mattermost.bots.athena.token").reveal();
  expect(await tokenFits(server.url, token, id, signal)).toBe(true);
  const retire = () => retireBot({ team, secrets, signal, agent: "athena", url: server.url });
  expect(await retire()).toBe(2);
  expect(await tokenFits(server.url, token, id, signal)).toBe(false);
  expect((await openSecrets(team)).get("mattermost.bots.athena.token")).toBeUndefined();
  expect(await retire()).toBe(0);
  await run();
  expect(secrets.require("mattermost.bots.athena.id").reveal()).toBe(id);
  expect(await tokenFits(server.url, secrets.require("mattermost.bots.athena.token").reveal(), id, signal)).toBe(true);
});

test("a wrong administrator's password and a server that is down are told apart", async () => {
  const right = secrets.require("mattermost.admin.password").reveal();
  secrets.set("mattermost.admin.password", "wrong-Password-1");
  await expect(run()).rejects.toMatchObject({ code: "E-CHAT-LOGIN" });
  secrets.set("mattermost.admin.password", right);
  await server.kill();
  await expect(run({ waitMs: 500 })).rejects.toMatchObject({ code: "E-CHAT-DOWN", exit: 4 });
});
