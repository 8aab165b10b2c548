/** No secret that the harness knows passes through the chat. */
import { afterEach, expect, test, vi } from "vitest";
import { type PlayedAgent, playedAgent, playedTeam, soon } from "../../test/support/played-agent.ts";
import { Secret } from "../base/secret.ts";
import { guardedChat } from "./guarded-chat.ts";

vi.setConfig({ testTimeout: 120_000 });

const value = "s3cr3t/Canary+4711?";
const key = new Secret("models.anthropic", value);
let agent: PlayedAgent;
afterEach(() => agent.close());

/** Everything that is stored or was said to anybody. */
const everything = (): string =>
  JSON.stringify([
    ["inbox", "runs", "steps", "turns", "outbox", "notes", "meta"].map((table) =>
      agent.store.all(`SELECT * FROM ${table}`),
    ),
    agent.calls,
  ]);

test.each([
  ["E5 as it is", value],
  ["E6 in base64", Buffer.from(value).toString("base64")],
  ["E6 in hexadecimal", Buffer.from(value).toString("hex")],
  ["E6 backwards", [...value].reverse().join("")],
])("%s: a secret that a model writes is posted as its name, and the journal says so", async (_, form) => {
  const server = playedTeam();
  agent = await playedAgent(server, async () => `The key is ${form}, keep it.`, { secrets: [key] });
  const post = server.say("alice-id", "work", "@athena what is the key?");
  await soon(agent.ended).toEqual([{ state: "done", outcome: "answered" }]);
  expect(agent.said(post.id)).toEqual(["The key is [secret:models.anthropic], keep it."]);
  expect(agent.store.all("SELECT outcome, detail FROM steps WHERE kind = 'secret'")).toEqual([
    { outcome: "replaced", detail: "models.anthropic" },
  ]);
  expect(everything()).not.toContain(form);
});

test("E15 a secret that a person pastes is neither stored nor shown to a model, live or read later", async () => {
  const server = playedTeam();
  agent = await playedAgent(server, async () => "Understood.", { secrets: [key] });
  const first = server.say("alice-id", "work", `the key was ${value}`);
  server.say("alice-id", "work", `@athena use ${value}`, { rootId: first.id });
  await soon(agent.ended).toHaveLength(1);
  await agent.harness.stop();
  server.say("alice-id", "work", `@athena remember: ${value}`);
  await agent.restart();
  await soon(agent.ended).toHaveLength(2);
  expect(agent.calls).toHaveLength(1);
  expect(JSON.stringify(agent.calls)).toContain("the key was [secret:models.anthropic]");
  expect(everything()).not.toContain(value);
});

test("E5 E15 a secret in the name of a file passes in neither direction", async () => {
  const server = playedTeam();
  agent = await playedAgent(server, async () => "Thanks.", { secrets: [key] });
  const pasted = [server.attach(`${value}.txt`, "harmless", "text/plain")];
  const post = server.say("alice-id", "work", "@athena look", { files: pasted });
  await soon(agent.ended).toHaveLength(1);
  expect(JSON.stringify(agent.calls)).toContain("file `_secret:models.anthropic_.txt`");
  expect(everything()).not.toContain("Canary");
  await guardedChat(server.client("athena-id"), [key]).post({
    channelId: "work",
    rootId: post.id,
    text: "see",
    marker: { run: "r", part: 0, source: post.id, hops: 1 },
    files: [
      { name: `${value}.txt`, text: "harmless" },
      { name: `${value}.png`, base64: "AAAA" },
    ],
  });
  const left = server.thread(post.id).at(-1)!.files!;
  expect(left.map(({ name }) => name)).toEqual(["[secret:models.anthropic].txt", "[secret:models.anthropic].png"]);
});
