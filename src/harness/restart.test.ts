import { expect, test } from "vitest";
import { type Play, playedAgent, playedTeam, soon } from "../../test/support/played-agent.ts";

test("a run outlives any number of orderly restarts: only a process that broke down counts against it", async () => {
  let calls = 0;
  const restarts = 10;
  const until = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
  const team = playedTeam();
  const play: Play = (_, signal) => (++calls <= restarts ? until(signal) : Promise.resolve("done"));
  const athena = await playedAgent(team, play, { change: { limits: { modelTimeout: 1e6 } } });
  try {
    const post = team.say("alice-id", "work", "@athena take your time");
    for (let restart = 1; restart <= restarts; restart++) {
      await soon(() => calls).toBe(restart);
      await athena.restart();
    }
    await soon(athena.ended).toEqual([{ state: "done", outcome: "answered" }]);
    expect(athena.said(post.id)).toEqual(["done"]);
  } finally {
    await athena.close();
  }
}, 240_000);
