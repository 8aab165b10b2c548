/** A machine that slept finds its connection dead without having been told. */
import { afterEach, expect, test, vi } from "vitest";
import { type PlayedAgent, playedAgent, playedTeam, soon } from "../../test/support/played-agent.ts";
import { systemClock } from "./clock.ts";

vi.setConfig({ testTimeout: 120_000 });

let agent: PlayedAgent;
afterEach(() => agent.close());

test("G11 half an hour of sleep is noticed, the chat connected anew, and what was missed answered once", async () => {
  const server = playedTeam();
  const own = server.client("athena-id");
  let opened = 0;
  let deaf = false;
  const chat = {
    ...own,
    open: (events: Parameters<typeof own.open>[0]) => {
      opened++;
      deaf = false;
      own.open({ ...events, posted: (post) => deaf || events.posted(post) });
    },
  };
  let slept = 0;
  // A minute here is six seconds; the minute's sweep, which would find the post too, does not come in this test's time.
  const clock = {
    ...systemClock(100),
    now: () => Date.now() + slept,
    scaled: (ms: number) => (ms === 60_000 ? 1e6 : ms / 100),
  };
  agent = await playedAgent(server, async () => "awake", { chat, clock });
  await soon(() => agent.harness.state().caughtUpAt).toBeDefined();
  deaf = true;
  const post = server.say("alice-id", "work", "@athena are you there?");
  expect(opened).toBe(1);
  slept = 30 * 60_000;
  await soon(() => agent.said(post.id)).toEqual(["awake"]);
  expect(opened).toBe(2);
  expect(agent.harness.state()).toMatchObject({ chat: "connected", waiting: 0 });
});
