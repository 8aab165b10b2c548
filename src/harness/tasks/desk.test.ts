import { expect, test } from "vitest";
import { forgeAgent } from "../../../test/support/forge-agents.ts";
import { playedTeam } from "../../../test/support/played-agent.ts";
import { auditedForge } from "../forge/audited.ts";
import type { Forge } from "../forge-port.ts";
import { forgeSource } from "../forge-work.ts";
import { receive } from "../store/inbox.ts";
import { Desk } from "./desk.ts";

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

test("what a former process was killed at on the forge is in the log before anything else is done there", async () => {
  const agent = await forgeAgent("athena", "http://127.0.0.1:1", ["athena"], playedTeam(), () => "");
  try {
    const silent = new Proxy({}, { get: () => () => new Promise(() => undefined) }) as Forge;
    void auditedForge(silent, agent.parts).comment("zeus/app", 1, "x");
    new Desk({ ...agent.parts, webhookSecret: undefined });
    expect(agent.audited()).toEqual(["harness begin to comment zeus/app#1"]);
  } finally {
    await agent.close();
  }
});
