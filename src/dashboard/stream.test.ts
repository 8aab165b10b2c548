import { expect, test } from "vitest";
import type { News } from "./news.ts";
import { Streams } from "./stream.ts";

test("F6 a reader that takes in nothing is cut off with its connection, one that reads is not, however much comes at once", async () => {
  const tell: ((news: readonly News[]) => void)[] = [];
  const streams = new Streams({
    listen: (_, one) => {
      tell.push(one);
      return () => undefined;
    },
  });
  const cut: string[] = [];
  const start = (name: string) =>
    streams.start(
      new Set(["step"]),
      undefined,
      () => true,
      () => cut.push(name),
    )!.body!;
  start("asleep");
  const reader = start("awake").getReader();
  const much: News[] = [{ id: 1, kind: "step", data: { text: "x".repeat(100_000) } }];
  for (let round = 0; round < 3; round++) {
    for (const one of tell) one(much);
    let got = 0;
    while (got < 100_000) got += (await reader.read()).value!.length;
  }
  expect([cut, streams.open]).toEqual([["asleep"], 1]);
  streams.closeAll();
  expect((await reader.read()).done).toBe(true);
  expect(streams.start(new Set(), undefined, () => true)).toBeUndefined();
});
