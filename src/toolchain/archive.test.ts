import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tarball, zip } from "../../test/support/archives.ts";
import { unpack } from "./archive.ts";

const files = { tool_v1: "#!/bin/sh\necho tool\n", "docs/README.md": "words ".repeat(200) };
const { signal } = new AbortController();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "olympus-archive-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test.each([
  ["a.tar.gz", tarball(files)],
  ["a.zip", zip(files)],
])("unpacks %s with programs that can be started", async (name, bytes) => {
  const archive = join(folder, name);
  writeFileSync(archive, bytes);
  await unpack(archive, join(folder, "out"), signal);
  expect(readFileSync(join(folder, "out/docs/README.md"), "utf8")).toBe(files["docs/README.md"]);
  expect(statSync(join(folder, "out/tool_v1")).mode & 0o111).not.toBe(0);
});

test.each([
  ["a.tar.gz", tarball(files).subarray(0, 100)],
  ["a.zip", zip(files).subarray(0, 100)],
  ["a.zip", Buffer.from("<html>")],
])("refuses a damaged %s", async (name, bytes) => {
  const archive = join(folder, name);
  writeFileSync(archive, bytes);
  await expect(unpack(archive, join(folder, "out"), signal)).rejects.toMatchObject({ code: "E-ARCHIVE" });
});

test("refuses a zip that leads out of its folder", async () => {
  const archive = join(folder, "a.zip");
  writeFileSync(archive, zip({ "../escaped": "x" }));
  await expect(unpack(archive, join(folder, "out"), signal)).rejects.toMatchObject({ code: "E-ARCHIVE" });
  expect(existsSync(join(folder, "escaped"))).toBe(false);
});
