import { expect, test } from "vitest";
import type { ModelMessage } from "../model-port.ts";
import { maskOld, shrink, sizeOf } from "./history.ts";

const conversation = (steps: number, size: number): ModelMessage[] => [
  { role: "user", content: "the task" },
  ...Array.from({ length: steps }, (_, n): ModelMessage[] => [
    { role: "assistant", content: "", calls: [{ id: `${n}`, name: "bash", input: { script: `do ${n}` } }] },
    { role: "tool", content: `[exit code 0]\n${"x".repeat(size)}`, call: { id: `${n}`, name: "bash" } },
  ]).flat(),
];

test("below 60 % of the window nothing is touched, not even copied", () => {
  const messages = conversation(10, 1000);
  expect(maskOld("system", messages, 100_000)).toBe(messages);
});

test("above it old outputs are masked in one go, the newest five stay whole, and calls and their endings are still to be seen", () => {
  const messages = conversation(20, 9000);
  const masked = maskOld("system", messages, 50_000);
  const outputs = masked.filter(({ role }) => role === "tool").map(({ content }) => content);
  expect(outputs.filter((content) => content.length > 9000)).toHaveLength(5);
  expect(outputs.slice(-5).every((content) => content.length > 9000)).toBe(true);
  expect(outputs[0]).toContain("exit code 0");
  expect(masked.filter(({ calls }) => calls !== undefined)).toHaveLength(20);
  expect(sizeOf("system", masked)).toBeLessThan(50_000 * 0.6);
  // Masked is masked: the next request begins with the same bytes.
  expect(maskOld("system", masked, 50_000)).toBe(masked);
});

test("shrinking leaves the task, what was done, and the newest output in short", () => {
  const messages = conversation(20, 9000);
  const small = shrink(messages);
  expect(small[0]).toEqual(messages[0]);
  expect(small).toHaveLength(messages.length);
  expect(sizeOf("", small)).toBeLessThan(sizeOf("", messages) / 10);
});
