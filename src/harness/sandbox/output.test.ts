import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { shownCharacters, showOutput } from "./output.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "olympus-output-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const show = (content: string | Buffer) => {
  writeFileSync(join(dir, "o"), content);
  return showOutput(join(dir, "o"), "/output/o");
};

test("short output is shown whole", async () => {
  expect(await show("hello\n")).toEqual({ text: "hello\n", bytes: 6, cut: false });
  expect(await show("")).toEqual({ text: "", bytes: 0, cut: false });
});

test("D9 of long output head and tail are shown, with where all of it is", async () => {
  for (const size of [12_000, 3_000_000]) {
    const { text, bytes, cut } = await show(`BEGIN${"x".repeat(size)}END`);
    expect({ bytes, cut }).toEqual({ bytes: size + 8, cut: true });
    expect(text.startsWith("BEGIN") && text.endsWith("END")).toBe(true);
    expect(text).toContain("/output/o");
    expect(text.length).toBeLessThan(shownCharacters + 200);
  }
});

test("D9 binary output and characters of several bytes are cut without broken halves", async () => {
  const { text } = await show("🦉".repeat(40_000));
  expect(text.isWellFormed()).toBe(true);
  expect((await show(Buffer.from([0, 255, 254, 7, 10]))).text.isWellFormed()).toBe(true);
});

test("E2 what would hide in output is shown as escapes; colours go", async () => {
  const { text } = await show("a\u200Bb\u202Ec\u{E0041}\u001B[31mred\u001B[0m\r\nend");
  expect(text).toBe("a\\u{200b}b\\u{202e}c\\u{e0041}red\nend");
});
