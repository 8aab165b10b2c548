import fc from "fast-check";
import { expect, test } from "vitest";
import { splitPost } from "./split.ts";

const size = (text: string) => Array.from(text).length;

test("a short answer stays whole", () => {
  expect(splitPost("hello", 100)).toEqual(["hello"]);
});

test("A14 parts keep to the limit and fences are balanced, with their language", () => {
  const code = Array.from({ length: 400 }, (_, line) => `line ${line}`).join("\n");
  const parts = splitPost(`before\n\n\`\`\`ts\n${code}\n\`\`\`\n\nafter`, 500);
  expect(parts.length).toBeGreaterThan(5);
  for (const part of parts) {
    expect(size(part)).toBeLessThanOrEqual(500);
    expect((part.match(/^```/gm) ?? []).length % 2).toBe(0);
  }
  expect(parts[1]).toMatch(/^```ts\n/);
  expect(parts.join("\n").match(/line \d+/g)).toEqual(code.split("\n"));
});

test("A15 no character is broken", () => {
  const text = "日本語😀".repeat(300);
  const parts = splitPost(text, 100);
  expect(parts.join("")).toBe(text);
  for (const part of parts) expect(size(part)).toBeLessThanOrEqual(100);
});

test("A14 whatever the text: nothing is lost, nothing too long", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 2000 }), fc.integer({ min: 60, max: 300 }), (text, limit) => {
      const parts = splitPost(text, limit);
      for (const part of parts) expect(size(part)).toBeLessThanOrEqual(limit);
      if (!/[`~]{3}/.test(text)) expect(parts.join("").replace(/\s/g, "")).toBe(text.replace(/\s/g, ""));
    }),
    { numRuns: 200 },
  );
});

test("a long text takes time by its length, not by its square", () => {
  const timeOf = (lines: number): number => {
    const text = "a line of an answer\n".repeat(lines);
    const begun = performance.now();
    splitPost(text, 16_000);
    return performance.now() - begun;
  };
  timeOf(20_000);
  // Ten times as long: far from a hundred times as much work, on a busy machine too.
  expect(timeOf(200_000)).toBeLessThan(50 * Math.max(timeOf(20_000), 1));
});
