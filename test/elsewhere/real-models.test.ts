import { expect } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { sdkCaller } from "../../src/harness/model/caller.ts";
import { itElsewhere } from "../support/elsewhere.ts";

itElsewhere("real-models", "answer through the provider's own server", async () => {
  const key = process.env.ANTHROPIC_API_KEY;
  expect(key, "ANTHROPIC_API_KEY").toBeDefined();
  const caller = sdkCaller(() => new Secret("models.anthropic", key!));
  const reply = await caller.call(
    { provider: "anthropic", model: process.env.OLYMPUS_MODEL ?? "claude-sonnet-4-5" },
    { system: "Answer with one word.", messages: [{ role: "user", content: "Say yes." }], maxOutputTokens: 20 },
    AbortSignal.timeout(60_000),
  );
  expect(reply.text).toMatch(/yes/i);
  expect(reply.inputTokens).toBeGreaterThan(0);
});
