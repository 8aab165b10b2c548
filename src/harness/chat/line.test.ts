import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { ChatError } from "../chat-port.ts";
import { Line } from "./line.ts";

/** A server that answers so many requests, and one more every `everyMs`. */
function counting(burst: number, everyMs: number) {
  const began = performance.now();
  const server = { answered: [] as string[], refused: 0 };
  const ask = (name: string) => async (): Promise<string> => {
    await pause(1);
    if (server.answered.length >= burst + Math.floor((performance.now() - began) / everyMs)) {
      server.refused++;
      throw new ChatError("retry", "HTTP 429", { retryAfterMs: everyMs });
    }
    server.answered.push(name);
    return name;
  };
  return { server, ask };
}

test("A17 requests that were too many go one after the other, as they came; hardly one is refused twice", async () => {
  const line = new Line(10_000);
  const { server, ask } = counting(5, 10);
  const two = async (n: number) => [await line.send(ask(`first ${n}`)), await line.send(ask(`second ${n}`))];
  const got = await Promise.all(Array.from({ length: 20 }, (_, n) => two(n)));
  expect(got).toEqual(Array.from({ length: 20 }, (_, n) => [`first ${n}`, `second ${n}`]));
  expect(server.answered).toHaveLength(40);
  // Those of the crowd at the beginning, then those at the head of the line.
  expect(server.refused).toBeLessThanOrEqual(15 + 40);
  const later = server.answered.filter((name) => name.startsWith("first")).slice(5);
  expect(later).toEqual(Array.from({ length: 15 }, (_, n) => `first ${n + 5}`));
});

test("A17 nobody waits for longer than a bound, and other failures are told at once", async () => {
  const line = new Line(50);
  const { ask } = counting(0, 60_000);
  const limited = { kind: "retry", retryAfterMs: expect.any(Number) };
  await expect(Promise.all([line.send(ask("a")), line.send(ask("b"))])).rejects.toMatchObject(limited);
  const gone = new Line(50).send(() => Promise.reject(new ChatError("refused", "gone")));
  await expect(gone).rejects.toMatchObject({ kind: "refused" });
});
