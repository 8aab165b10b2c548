import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { agentConfig } from "../../test/support/agent-config.ts";
import { type PlayedAgent, playedAgent, playedTeam, soon } from "../../test/support/played-agent.ts";
import { type Actions, actionsOf } from "./actions.ts";
import { linksAfter } from "./audit/audit.ts";
import { systemClock } from "./clock.ts";
import { gateOf, wishGate } from "./gates/book.ts";
import { openStore } from "./store/open.ts";

let played: PlayedAgent | undefined;
afterEach(async () => {
  await played?.close();
  played = undefined;
});

const config = agentConfig({
  chat: {
    people: [
      { id: "alice-id", name: "alice", command: true, approve: ["merge"] },
      { id: "bob-id", name: "bob", command: true },
    ],
  },
  budget: { run: 1, day: 1 },
});
/** Of the process that runs now. */
const actionsIn = ({ store, harness }: PlayedAgent): Actions => actionsOf({ config, store, clock: Date, harness });
const runs = ({ store }: PlayedAgent) =>
  store.all<{ id: string }>("SELECT id FROM runs WHERE kind = 'mention' ORDER BY started_at, id").map(({ id }) => id);

test("a run that is stopped ends while its model thinks, its thread is told, and done once more it is answered", async () => {
  const server = playedTeam();
  let thinks = true;
  const think = (signal: AbortSignal) =>
    new Promise<string>((_resolve, reject) => signal.addEventListener("abort", reject));
  // In real time: a model that thinks is given up after minutes.
  const clock = systemClock(1);
  played = await playedAgent(server, async (_, signal) => (thinks ? think(signal) : "done now"), { clock });
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

test("a run is stopped and its thread will be told of it, both or none: also when the process is killed right then", async () => {
  const server = playedTeam();
  const late = Promise.withResolvers<string>();
  played = await playedAgent(server, () => late.promise, { clock: systemClock(1) });
  const post = server.say("alice-id", "work", "@athena think about it");
  await soon(() => played!.calls.length).toBe(1);
  const [run] = runs(played) as [string];
  const stopping = actionsIn(played).stop(run, "alice");
  // What would be on the disk if it were killed now, while it waits for the model to let go.
  const waits = "SELECT payload ->> 'said' AS said FROM inbox WHERE state = 'new'";
  const told = "Stopped by alice, on my dashboard. `!retry` begins it again.";
  expect(played.store.all(waits)).toEqual([{ said: told }]);
  expect(played.ended()).toContainEqual({ state: "failed", outcome: "stopped by alice" });
  late.resolve("too late");
  await stopping;
  await soon(() => played!.said(post.id)).toEqual([told]);
});

test("doing a thing once more is asked for once, also while it is paused: pressed twice, or with !retry too, it is done once", async () => {
  const server = playedTeam();
  played = await playedAgent(server, async () => "done");
  const post = server.say("alice-id", "work", "@athena deploy it");
  await soon(() => played!.said(post.id)).toEqual(["done"]);
  const [run] = runs(played) as [string];
  const actions = actionsIn(played);
  actions.pause("alice");
  expect(actions.retry(run, "alice")).toBeUndefined();
  expect(actions.retry(run, "alice")).toBe("Its conversation has work that waits already.");
  server.say("alice-id", "work", "@athena !retry", { rootId: post.id });
  await soon(() => played!.said(post.id).join()).toContain("It waits already");
  actions.resume("alice");
  await soon(() => played!.harness.state().waiting + played!.harness.state().running.length).toBe(0);
  expect(runs(played)).toHaveLength(2);
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

test("F13 a gate is opened by the person whom it waits for, once, for its own commit; others are told why not", () => {
  const dir = mkdtempSync(join(tmpdir(), "olympus-actions-"));
  const store = openStore(dir);
  let woken = 0;
  const harness = { halt: async () => 0, wake: () => void woken++ };
  const actions = actionsOf({ config, store, clock: Date, harness });
  const wish = {
    action: "merge",
    kinds: ["merge"],
    approvers: undefined,
    run: "r",
    repo: "olympus/app",
    author: "x",
  } as const;
  const wished = (number: number, lenses: string[]) =>
    wishGate(store, { ...wish, number, commit: "a".repeat(40), lenses }, Date.now(), 24).id;
  const [asked, waiting, other] = [wished(3, []), wished(4, ["security"]), wished(5, [])];
  expect(actions.approve(asked, "bob")).toContain("bob may not approve: merge");
  expect(actions.approve(asked, "mallory")).toContain("no person's of the team");
  expect(actions.approve(waiting, "alice")).toContain("lenses have not passed: security");
  expect(actions.approve("0000000000", "alice")).toBe("There is no such gate.");
  expect(woken).toBe(0);
  expect(actions.approve(asked, "alice")).toBeUndefined();
  expect(gateOf(store, asked)).toMatchObject({ state: "open", openedBy: "alice" });
  expect(actions.approve(asked, "alice")).toContain("it is open already");
  expect(actions.refuse(other, "alice")).toBeUndefined();
  expect(gateOf(store, other)?.state).toBe("closed");
  expect(woken).toBe(2);
  store.close();
  rmSync(dir, { recursive: true });
});
