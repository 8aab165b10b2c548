import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { audit, linksAfter } from "../audit/audit.ts";
import { type Forge, ForgeError } from "../forge-port.ts";
import { silentLog } from "../log.ts";
import { openStore, type Store } from "../store/open.ts";
import { auditedForge, beginAct, writeLeftActs } from "./audited.ts";
import { patientForge } from "./patient.ts";

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
/** A forge all of whose answers come of this. */
const answering = (answer: () => Promise<unknown>) => new Proxy({}, { get: () => answer }) as Forge;
const takesAll = answering(async () => ({ id: 7 }));
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
  const refuses = auditedForge(
    answering(() => Promise.reject(new ForgeError("refused", "no"))),
    { store, clock: Date },
  );
  await expect(refuses.comment("o/r", 1, "x")).rejects.toThrow("no");
  expect(entries()).toEqual(["edit a comment o/r "]);
  writeLeftActs(store, 0);
  expect(entries()).toHaveLength(1);
});

test("what a process was killed at before it had the forge's answer is written by the next one, once, in its order, also what others write", async () => {
  const asked: string[] = [];
  const silent = new Proxy({}, { get: (_, act: string) => () => new Promise(() => asked.push(act)) }) as Forge;
  const forge = auditedForge(silent, { store, clock: { now: () => 1000 } }, "run-1");
  const review = { sha, verdict: "comment", body: "secret words", comments: [] } as const;
  const acts = [
    forge.submitReview("o/r", 2, review),
    forge.setStatus("o/r", sha, status("pending")),
    forge.createBranch("o/r", "b", sha),
    forge.merge("o/r", 2, sha, "t"),
    forge.editComment("o/r", 9, "still at it"),
    forge.issue("o/r", 1),
  ];
  expect(asked).toHaveLength(acts.length);
  store.close();
  store = openStore(dir);
  expect(entries()).toEqual([]);
  for (let starts = 0; starts < 2; starts++) writeLeftActs(store, 2000);
  expect(entries()).toEqual([
    "begin to review o/r#2 run-1",
    `begin to set a status o/r@${sha} run-1`,
    "begin to make a branch o/r run-1",
    "begin to merge o/r#2 run-1",
    "begin to edit a comment o/r run-1",
  ]);
  expect(JSON.parse(linksAfter(store, 0, 1)[0]!.entry)).toMatchObject({
    kind: "act",
    evidence: {
      begun: "1970-01-01T00:00:01.000Z",
      commit: sha,
      end: "the process ended: it may have been done",
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      verdict: "comment",
    },
  });
  expect(JSON.stringify(linksAfter(store, 0, 100))).not.toContain("secret words");
});

test("an act whose answer is lost is written as begun, once however often it is tried; one that a limit holds up is done and written once", async () => {
  const lost = new ForgeError("retry", "the connection was lost");
  const limited = new ForgeError("retry", "slow down", { retryAfterMs: 1 });
  const errors = [limited, lost, lost];
  const forge = answering(async () => {
    const error = errors.shift();
    if (error !== undefined) throw error;
    return { id: 7 };
  });
  const clock = { now: () => 0, scaled: (ms: number) => ms, wait: async () => undefined };
  const { signal } = new AbortController();
  const patient = patientForge(auditedForge(forge, { store, clock }), { clock, log: silentLog }, signal);
  for (let tries = 0; tries < 2; tries++) await expect(patient.comment("o/r", 1, "x")).rejects.toBe(lost);
  expect(entries()).toEqual(["begin to comment o/r#1 "]);
  errors.push(limited);
  await patient.comment("o/r", 1, "x");
  writeLeftActs(store, 0);
  expect(entries()).toEqual(["begin to comment o/r#1 ", "comment o/r#1 "]);
});

test("what is not the forge's own act is noted as well before it is begun, until it is written", async () => {
  const push = { what: "push", subject: "o/r#1", evidence: { commit: sha }, run: "run-1" };
  const written = () => audit(store, { kind: "act", actor: "harness", ...push }, 0);
  const parts = { store, clock: Date };
  void beginAct(parts, push, "push:run-1", () => new Promise(() => undefined), written);
  writeLeftActs(store, 0);
  expect(entries()).toEqual(["begin to push o/r#1 run-1"]);
  await beginAct(parts, push, "push:run-1", () => Promise.resolve(), written);
  writeLeftActs(store, 0);
  expect(entries()).toEqual(["begin to push o/r#1 run-1", "push o/r#1 run-1"]);
});
