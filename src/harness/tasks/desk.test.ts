import { expect, test } from "vitest";
import { forgeAgent } from "../../../test/support/forge-agents.ts";
import { playedTeam } from "../../../test/support/played-agent.ts";
import { forgeSource } from "../forge-work.ts";
import { receive } from "../store/inbox.ts";

test("after a restart no issue is begun before it was looked whether there is room", async () => {
  const agent = await forgeAgent("athena", "http://127.0.0.1:1", ["athena"], playedTeam(), () => "");
  try {
    const entry = { source: forgeSource, sourceId: "issue-1", lane: "github:zeus/app#1", kind: "issue" as const };
    receive(agent.store, { ...entry, author: "zeus", createdAt: 1, payload: {} }, 1);
    await agent.start();
    expect(agent.store.all("SELECT id FROM runs")).toEqual([]);
  } finally {
    await agent.close();
  }
});
