import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startPublisher, whole } from "../../test/support/publisher.ts";
import { learnSha256, recordSha256 } from "./pinned-download.ts";

const { signal } = new AbortController();

test("a file whose publisher has no list is downloaded once to learn its checksum", async () => {
  await using publisher = await startPublisher();
  publisher.routes.set("/tool.zip", [whole("what it is")]);
  const url = `${publisher.url}/tool.zip`;
  const sha256 = createHash("sha256").update("what it is").digest("hex");
  expect(await learnSha256({ url }, signal)).toBe(sha256);
  expect(publisher.requests).toEqual(["GET /tool.zip"]);
  expect(await learnSha256({ url, sha256 }, signal)).toBe(sha256);
  expect(publisher.requests).toHaveLength(1);
  await expect(learnSha256({ url: `${publisher.url}/gone.zip` }, signal)).rejects.toMatchObject({ code: "E-DOWNLOAD" });
});

test("a checksum is written where its download stands, and nothing else changes", () => {
  const folder = mkdtempSync(join(tmpdir(), "olympus-lock-"));
  const file = join(folder, "lock.json");
  writeFileSync(file, JSON.stringify({ tools: { go: { url: "a" }, dart: { url: "b" } } }));
  recordSha256(file, ["tools", "go"], "c".repeat(64));
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
    tools: { go: { url: "a", sha256: "c".repeat(64) }, dart: { url: "b" } },
  });
  rmSync(folder, { recursive: true });
});
