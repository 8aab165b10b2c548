import { afterEach, expect, test } from "vitest";
import { type PlayedAgent, playedAgent, playedTeam, soon } from "../../test/support/played-agent.ts";
import { type Actions, actionsOf } from "./actions.ts";
import { linksAfter } from "./audit/audit.ts";
import { agentConfigSchema } from "./config.ts";

let played: PlayedAgent | undefined;
afterEach(async () => {
  await played?.close();
  played = undefined;
});

const people = [{ id: "alice-id", name: "alice", command: true }];
const chat = agentConfigSchema.shape.chat.parse({ url: "http://chat", tokenFile: "t", botId: "athena-id", people });
/** Of the process that runs now. */
const actionsIn = ({ store, harness }: PlayedAgent): Actions =>
  actionsOf({ config: { chat }, store, clock: Date, harness });
const runs = ({ store }: PlayedAgent) =>
  store.all<{ id: string }>("SELECT id FROM runs WHERE kind = 'mention' ORDER BY started_at, id").map(({ id }) => id);

test("a run that is stopped ends while its model thinks, its thread is told, and done once more it is answered", async () => {
  const server = playedTeam();
  let thinks = true;
  played = await playedAgent(server, (_, signal) =>
    thinks ? new Promise((_resolve, reject) => signal.addEventListener("abort", reject)) : Promise.resolve("done now"),
  );
  const post = server.say("alice-id", "work", "@athena think about it");
  await soon(() => played!.calls.length).toBe(1);
  const [run] = runs(played) as [string];
  const actions = actionsIn(played);
  expect(actions.retry(run, "alice")).toBe("Its conversation has work under way.");
  expect(await actions.stop(run, "alice")).toBeUndefined();
  const told = "Stopped by alice, on my dashboard. `!retry` begins it again.";
  await soon(() => played!.said(post.id)).toEqual([told]);
  expect(played.ended()).toContainEqual({ state: "failed", outcome: "stopped by alice" });
  expect(await actions.stop(run, "alice")).toBe("It is over already.");
  thinks = false;
  expect(actions.retry(run, "alice")).toBeUndefined();
  await soon(() => played!.said(post.id)).toEqual([told, "done now"]);
  expect(JSON.stringify(played.calls.at(-1)?.messages)).toContain("think about it");
  const entries = linksAfter(played.store, 0, 100).map(({ entry }) => entry);
  expect(entries.filter((entry) => entry.includes("dashboard:alice-id"))).toHaveLength(2);
});

test("while it is paused nothing new begins, also after a restart, and what waits is taken up when it is resumed", async () => {
  const server = playedTeam();
  played = await playedAgent(server, async () => "yes");
  expect(actionsIn(played).resume("alice")).toBe("It is not paused.");
  expect(actionsIn(played).pause("alice")).toBeUndefined();
  expect(actionsIn(played).pause("bob")).toBe("It was paused by alice already.");
  const post = server.say("alice-id", "work", "@athena are you there?");
  await soon(() => played!.harness.state().waiting).toBe(1);
  await played.restart();
  const asked = server.say("alice-id", "work", "@athena !status");
  await soon(() => played!.said(asked.id).join()).toContain("paused by alice on my dashboard");
  expect(played.said(post.id)).toEqual([]);
  expect(actionsIn(played).resume("alice")).toBeUndefined();
  await soon(() => played!.said(post.id)).toEqual(["yes"]);
});
