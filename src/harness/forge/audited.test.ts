import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { linksAfter } from "../audit/audit.ts";
import type { Forge } from "../forge-port.ts";
import { openStore, type Store } from "../store/open.ts";
import { auditedForge } from "./audited.ts";

const dir = mkdtempSync(join(tmpdir(), "olympus-audited-"));
let store: Store;
beforeEach(() => {
  store = openStore(dir);
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

const sha = "a".repeat(40);
const entries = () =>
  linksAfter(store, 0, 100).map(({ entry }) => {
    const { what, subject, run } = JSON.parse(entry) as { what: string; subject: string; run?: string };
    return [what, subject, run].join(" ");
  });
/** A forge that takes everything. */
const takesAll = new Proxy({}, { get: () => async () => ({ id: 7 }) }) as Forge;
const status = (state: "pending" | "success" | "failure") => ({
  context: "olympus/security",
  state,
  description: "",
  url: undefined,
});

test("each act that the forge took is written once, with its run; questions, asking for a look and what others write are not", async () => {
  const forge = auditedForge(takesAll, { store, clock: Date }, "run-1");
  await forge.comment("o/r", 1, "secret words");
  await forge.addLabels("o/r", 1, ["needs-human"]);
  await forge.removeLabel("o/r", 1, "needs-human");
  await forge.assign("o/r", 1, ["apollo"]);
  await forge.unassign("o/r", 1, ["apollo"]);
  await forge.closeIssue("o/r", 1);
  await forge.submitReview("o/r", 2, { sha, verdict: "comment", body: "b", comments: [] });
  await forge.editReview("o/r", 2, 7, "b");
  await forge.dismissReview("o/r", 2, 7, "m");
  for (const state of ["pending", "success", "failure"] as const) await forge.setStatus("o/r", sha, status(state));
  await forge.editPull("o/r", 2, { title: "t" });
  await forge.issue("o/r", 1);
  await forge.merge("o/r", 2, sha, "t");
  await forge.createBranch("o/r", "b", sha);
  expect(entries()).toEqual([
    "comment o/r#1 run-1",
    "label o/r#1 run-1",
    "unlabel o/r#1 run-1",
    "assign o/r#1 run-1",
    "unassign o/r#1 run-1",
    "close an issue o/r#1 run-1",
    "review o/r#2 run-1",
    "edit a review o/r#2 run-1",
    "dismiss a review o/r#2 run-1",
    `set a status o/r@${sha} run-1`,
    `set a status o/r@${sha} run-1`,
    "edit a pull request o/r#2 run-1",
  ]);
  expect(JSON.stringify(linksAfter(store, 0, 100))).not.toContain("secret words");
});

test("a comment that is edited again and again is written the first time; what the forge did not take is not written", async () => {
  const forge = auditedForge(takesAll, { store, clock: Date });
  for (let n = 0; n < 3; n++) await forge.editComment("o/r", 9, `still at it ${n}`);
  const refuses = { ...takesAll, comment: async () => Promise.reject(new Error("no")) } as unknown as Forge;
  await expect(auditedForge(refuses, { store, clock: Date }).comment("o/r", 1, "x")).rejects.toThrow("no");
  expect(entries()).toEqual(["edit a comment o/r "]);
});
