/** The harness's core as one process would run it, on a chat server in memory and with a model that a function plays. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { Secret } from "../../src/base/secret.ts";
import { FakeChatServer } from "../../src/harness/chat/fake.ts";
import type { Chat } from "../../src/harness/chat-port.ts";
import { type Clock, systemClock } from "../../src/harness/clock.ts";
import type { AgentConfigInput } from "../../src/harness/config.ts";
import { Harness } from "../../src/harness/harness.ts";
import { silentLog } from "../../src/harness/log.ts";
import { Workshop } from "../../src/harness/loop/workshop.ts";
import type { ModelReply, ModelRequest } from "../../src/harness/model-port.ts";
import type { Sandbox } from "../../src/harness/sandbox/sandbox.ts";
import { openStore, type Store } from "../../src/harness/store/open.ts";
import { agentConfig } from "./agent-config.ts";

export const agentNames = ["athena", "hermes", "apollo", "artemis", "hera", "ares", "hestia", "zeus"] as const;

/** Text of a reply, or all of it. */
export type Play = (request: ModelRequest, signal: AbortSignal) => Promise<string | ModelReply>;

export interface PlayedAgent {
  readonly store: Store;
  harness: Harness;
  readonly calls: ModelRequest[];
  /** Ends this process and begins another one on the same data. */
  restart(): Promise<void>;
  /** What it wrote in a thread. */
  said(rootId: string): string[];
  /** How its runs ended. */
  ended(): { state: string; outcome: string }[];
  close(): Promise<void>;
}

/** Expects that something comes to be, on however busy a computer. */
export const soon = <T>(read: () => T) => expect.poll(read, { timeout: 30_000 });

/** All agents, people alice and bob (who may command) and mallory (who may not), in a channel `work`; alice and athena in `direct`. */
export function playedTeam(): FakeChatServer {
  const server = new FakeChatServer();
  for (const name of [...agentNames, "alice", "bob", "mallory"]) server.addUser(`${name}-id`, name);
  server.addChannel(
    "work",
    [...agentNames, "alice", "bob", "mallory"].map((name) => `${name}-id`),
  );
  server.addChannel("direct", ["athena-id", "alice-id"], true);
  return server;
}

export async function playedAgent(
  server: FakeChatServer,
  play: Play,
  {
    agent = "athena",
    secrets = [],
    change = {},
    clock = systemClock(5000),
    chat = server.client(`${agent}-id`),
    sandbox,
  }: {
    agent?: string;
    secrets?: readonly Secret[];
    change?: Partial<AgentConfigInput>;
    clock?: Clock;
    chat?: Chat;
    /** With it the agent is one that develops. */
    sandbox?: Sandbox;
  } = {},
): Promise<PlayedAgent> {
  const dir = mkdtempSync(join(tmpdir(), "olympus-played-"));
  const others = agentNames.filter((name) => name !== agent).map((name) => ({ id: `${name}-id`, name }));
  const config = agentConfig({
    agent,
    chat: {
      maxAgeHours: 1e6,
      people: [
        { id: "alice-id", name: "alice", command: true },
        { id: "bob-id", name: "bob", command: true },
        { id: "mallory-id", name: "mallory" },
      ],
      agents: others,
    },
    models: [{ provider: "rehearsal", model: "rehearsal", baseUrl: "http://model", price: { input: 1, output: 1 } }],
    budget: { run: 1, day: 1 },
    ...(sandbox && { sandbox: {} }),
    ...change,
  });
  const calls: ModelRequest[] = [];
  const call = async (_: unknown, request: ModelRequest, signal: AbortSignal): Promise<ModelReply> => {
    calls.push(request);
    const reply = await play(request, signal);
    return typeof reply === "string"
      ? { text: reply, finish: "stop", inputTokens: 1, cachedTokens: 0, outputTokens: 1 }
      : reply;
  };
  const store = openStore(dir);
  const workshop = sandbox && new Workshop(async () => ({ sandbox, hosts: [] }), silentLog);
  const begin = () =>
    new Harness({
      config,
      store,
      chat,
      models: { call },
      clock,
      log: silentLog,
      secrets,
      ...(workshop && { workshop }),
    });
  const played: PlayedAgent = {
    store,
    harness: begin(),
    calls,
    async restart() {
      await played.harness.stop();
      played.harness = begin();
      await played.harness.start();
    },
    said: (rootId) => server.thread(rootId).flatMap((one) => (one.authorId === `${agent}-id` ? [one.text] : [])),
    ended: () => store.all("SELECT state, outcome FROM runs WHERE ended_at IS NOT NULL ORDER BY ended_at, id"),
    async close() {
      await played.harness.stop();
      store.close();
      rmSync(dir, { recursive: true });
    },
  };
  await played.harness.start();
  return played;
}
