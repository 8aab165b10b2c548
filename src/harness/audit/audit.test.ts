import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Secret } from "../../base/secret.ts";
import { openStore, type Store } from "../store/open.ts";
import { audit, linksAfter } from "./audit.ts";
import { canonicalJson } from "./canonical.ts";
import { type Head, type Link, Verifier } from "./chain.ts";

let dir: string;
let store: Store;
const token = "mm-token-canary-0123456789";

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "olympus-audit-"));
  store = openStore(dir, [new Secret("mattermost.token", token)]);
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

const fill = (count: number): Link[] => {
  for (let n = 0; n < count; n++)
    audit(store, { kind: "act", actor: "agent:athena", what: "post", subject: `p${n}`, evidence: { n, ü: "ö\n" } }, n);
  return linksAfter(store, 0, count);
};

const check = (links: readonly Link[], heads: readonly Head[] = []) => {
  const verifier = new Verifier(heads);
  for (const link of links) verifier.add(link);
  return { ...verifier.end(), breaks: verifier.breaks };
};

test("the same value is the same text, whatever the order of its fields", () => {
  expect(canonicalJson({ b: [1, { d: null, c: "é" }], a: undefined, A: true })).toBe(
    '{"A":true,"b":[1,{"c":"é","d":null}]}',
  );
});

test("what was written is whole, in one chain, also over a restart", () => {
  fill(3);
  store.close();
  store = openStore(dir);
  fill(2);
  const links = linksAfter(store, 0, 10);
  expect(check(links)).toEqual({ entries: 5, head: links[4]!.hash, breaks: [] });
  expect(linksAfter(store, 3, 10).map(({ seq }) => seq)).toEqual([4, 5]);
});

test("one flipped bit anywhere in an entry or a hash is found, and the entry is named", () => {
  const links = fill(6);
  const head: Head = { day: "1970-01-01", seq: 6, hash: links[5]!.hash };
  let tried = 0;
  for (const [at, link] of links.entries())
    for (const field of ["entry", "hash"] as const) {
      const bytes = Buffer.from(link[field]);
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        const text = flipped.toString("latin1");
        const changed = links.with(at, { ...link, [field]: Buffer.from(text, "latin1").toString() });
        const { breaks } = check(changed, [head]);
        expect(new Set(breaks.map(({ seq }) => seq)), `${field} ${link.seq}, bit ${bit}`).toEqual(new Set([link.seq]));
        if (at < 5 && breaks.length === 1)
          expect(breaks[0]!.what).toBe(field === "entry" ? "the entry was changed" : "its hash was changed");
        tried++;
      }
    }
  expect(tried).toBeGreaterThan(5000);
});

test("an entry that is missing, doubled or put elsewhere is named, and so is an end that was cut off or written anew", () => {
  const links = fill(6);
  const head: Head = { day: "2026-11-21", seq: 5, hash: links[4]!.hash };
  expect(check(links.toSpliced(2, 1)).breaks[0]).toEqual({ seq: 3, what: "missing: entry 4 follows" });
  expect(check(links.toSpliced(2, 0, links[1]!)).breaks[0]!.seq).toBe(3);
  expect(check([links[1]!, links[0]!]).breaks[0]!.seq).toBe(1);
  expect(check(links.slice(0, 4), [head]).breaks).toEqual([
    { seq: 5, what: "missing: its head was told on 2026-11-21, the log ends with entry 4" },
  ]);
  const other = mkdtempSync(join(tmpdir(), "olympus-audit-"));
  const forged = openStore(other);
  for (let n = 0; n < 6; n++) audit(forged, { kind: "act", actor: "agent:athena", what: "nothing" }, n);
  expect(check(linksAfter(forged, 0, 6)).breaks).toEqual([]);
  expect(check(linksAfter(forged, 0, 6), [head]).breaks).toEqual([
    { seq: 5, what: "the head told on 2026-11-21 was another" },
  ]);
  forged.close();
  rmSync(other, { recursive: true });
});

test("nothing in it can be changed or removed by a statement", () => {
  fill(2);
  const db = new DatabaseSync(join(dir, "harness.sqlite"));
  expect(() => db.exec("UPDATE audit SET entry = 'x' WHERE seq = 1")).toThrow("never changed");
  expect(() => db.exec("DELETE FROM audit WHERE seq = 1")).toThrow("never shortened");
  expect(() => db.exec("INSERT OR REPLACE INTO audit VALUES (1, 'act', '{}', '')")).not.toThrow();
  db.close();
  expect(check(linksAfter(store, 0, 2)).breaks[0]!.seq).toBe(1);
});

test("no secret gets into it, in a field, a key, or encoded; long texts are cut", () => {
  const hidden = Buffer.from(token).toString("base64");
  audit(store, { kind: "act", actor: token, what: hidden, evidence: { [token]: [{ deep: `x${token}y` }] } }, 0);
  audit(store, { kind: "event", actor: "harness", what: "😀".repeat(2000) }, 0);
  const [first, second] = linksAfter(store, 0, 2);
  expect(first!.entry).not.toContain(token);
  expect(first!.entry).not.toContain(hidden);
  expect(first!.entry).toContain("[secret:mattermost.token]");
  expect(second!.entry.length).toBeLessThan(1200);
});

test("a change that fails leaves no entry about it", () => {
  expect(() =>
    store.transaction(() => {
      audit(store, { kind: "act", actor: "harness", what: "post" }, 0);
      throw new Error("no");
    }),
  ).toThrow("no");
  expect(linksAfter(store, 0, 2)).toEqual([]);
});
