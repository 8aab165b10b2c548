import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { silentLog } from "../log.ts";
import type { RunSandbox } from "../sandbox/sandbox.ts";
import { openStore } from "../store/open.ts";
import { type Handing, HandOver } from "./deliver-code.ts";
import type { ForgeParts } from "./parts.ts";
import type { Repository } from "./repository.ts";

test("a summary of why nothing was changed leaves without secrets as any other does", async () => {
  const home = mkdtempSync(join(tmpdir(), "olympus-handover-"));
  const store = openStore(home);
  const tree = "0".repeat(40);
  const sandbox = {
    workspace: { home },
    run: async () => ({ code: 0, ending: "exited", output: { text: `tree ${tree}` } }),
  } as unknown as RunSandbox;
  const repository = { take: async () => undefined, has: async () => true, treeOf: async () => tree };
  const handing = {
    parts: { store, clock: { now: () => 0 }, log: silentLog, config: {}, settings: {} } as unknown as ForgeParts,
    sandbox,
    repository: repository as unknown as Repository,
    work: { repo: "zeus/app", number: 7, head: null },
    run: "run-1",
    title: "Say hello",
    parent: "1".repeat(40),
    redact: (text: string) => text.replaceAll("hunter2", "[secret:password]"),
  } as unknown as Handing;
  try {
    const handOver = new HandOver(handing);
    const submit = () => handOver.submit("It is hunter2.", new AbortController().signal);
    expect((await submit()).text).toMatch(/^error: no file is changed/);
    await submit();
    expect((await submit()).ends).toEqual({
      answer: "I changed nothing for zeus/app#7: It is [secret:password].",
      outcome: "done: nothing to change",
    });
  } finally {
    store.close();
    rmSync(home, { recursive: true });
  }
});
