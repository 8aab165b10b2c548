import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { remember } from "../converge/history.ts";
import { knownDrifts } from "./drifts.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "olympus-drifts-"));
  vi.stubEnv("OLYMPUS_STATE", folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const check = (pending: number) =>
  remember("lab", {
    ...{ v: 1, at: "2026-11-22T12:00:00Z", what: "check", who: "alice@here", ms: 1, exit: 3 },
    hosts: [{ host: "athena", state: "pending", changed: 0, pending }],
  });

test("a team's history is read again only when something was added to it", async () => {
  expect(knownDrifts("lab").size).toBe(0);
  await check(2);
  const first = knownDrifts("lab");
  expect(first.get("athena")?.pending).toBe(2);
  expect(knownDrifts("lab")).toBe(first);
  await check(3);
  expect(knownDrifts("lab").get("athena")?.pending).toBe(3);
});
