import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

test("checksums are written where their downloads stand, also at once; nothing else changes, and one that is there stays", async () => {
  const folder = mkdtempSync(join(tmpdir(), "olympus-lock-"));
  const file = join(folder, "lock.json");
  const names = ["go", "dart", "rust", "gh"];
  writeFileSync(file, JSON.stringify({ tools: Object.fromEntries([...names, "cdk"].map((url) => [url, { url }])) }));
  try {
    await Promise.all(names.map((name, at) => recordSha256(file, ["tools", name], String(at).repeat(64))));
    const seen = names.map((url, at) => [url, { url, sha256: String(at).repeat(64) }] as const);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      tools: { ...Object.fromEntries(seen), cdk: { url: "cdk" } },
    });
    await expect(recordSha256(file, ["tools", "go"], "f".repeat(64))).rejects.toMatchObject({ code: "E-CHECKSUM" });
    expect(readdirSync(folder)).toEqual(["lock.json"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
