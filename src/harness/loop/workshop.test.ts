import { existsSync, mkdtempSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { agentConfig } from "../../../test/support/agent-config.ts";
import { silentLog } from "../log.ts";
import type { SandboxOptions } from "../sandbox/sandbox.ts";
import { openWorkspace, workspacesOf } from "../sandbox/workspace.ts";
import { receive } from "../store/inbox.ts";
import { openStore } from "../store/open.ts";
import { handOver } from "../store/outbox.ts";
import { claimNext, finish } from "../store/runs.ts";
import { openWorkshop } from "./workshop.ts";

// On any machine: what is looked at comes before the first command, which fails.
vi.mock("../sandbox/cgroup.ts", () => ({
  neededControllers: [],
  takeDelegation: async () => ({ make: () => Promise.reject(new Error("no group")), population: async () => 0 }),
}));
vi.mock("../sandbox/sandbox.ts", async (original) => {
  const { openSandbox } = await original<typeof import("../sandbox/sandbox.ts")>();
  return { openSandbox: (options: SandboxOptions) => openSandbox({ ...options, bwrap: "/bin/false" }) };
});

test("a process that begins leaves the workspaces of runs that it will go on with, however old they are", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "olympus-workshop-"));
  const store = openStore(dataDir);
  try {
    const config = agentConfig({ dataDir, sandbox: {} });
    const root = workspacesOf(config);
    const runs = [...Array(15).keys()].map((n) => {
      const entry = { source: "m", sourceId: `p${n}`, lane: `l${n}`, kind: "mention" as const, author: "a" };
      receive(store, { ...entry, createdAt: n, payload: {} }, 0);
      return claimNext(store, n)!;
    });
    for (const [n, run] of runs.entries()) {
      utimesSync((await openWorkspace(root, run.id)).folder, n, n);
      // The first one goes on, the second waits for the chat server.
      if (n === 1) handOver(store, run, [{ text: "a" }], "answered", 1);
      if (n > 1) finish(store, run, "done", "answered", 1);
    }
    await expect(
      openWorkshop({ config, settings: config.sandbox!, log: silentLog, refused: () => undefined, store }),
    ).rejects.toThrow("a command cannot be sandboxed here");
    const left = runs.slice(0, 5).flatMap(({ id }, n) => (existsSync(join(root, id)) ? [n] : []));
    expect(left).toEqual([0, 1]);
  } finally {
    store.close();
    rmSync(dataDir, { recursive: true });
  }
});
