import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { TeamWatch } from "./team-watch.ts";

const fine = (name: string) => ({ name, kind: "agent", state: "fine", detail: "", next: "" }) as const;

test("one that never answers keeps no other from being asked again", async () => {
  const end = new AbortController();
  const watch = new TeamWatch();
  let asked = 0;
  const running = watch.start(
    ["dead", "well"],
    async (name, told) => {
      if (name === "dead") return wait(600_000, undefined, { signal: end.signal });
      told(fine(name));
      if (++asked === 3) end.abort();
    },
    () => wait(1),
    end.signal,
  );
  await expect(running).rejects.toThrow("aborted");
  expect([asked, [...watch.hosts.keys()]]).toEqual([3, ["well"]]);
}, 30_000);

test("what keeps one from being asked at all ends the others too", async () => {
  const watch = new TeamWatch();
  let asked = 0;
  const ask = async (name: string) => {
    asked += 1;
    if (name === "odd") throw new Error("no such host");
  };
  await expect(watch.start(["odd", "well"], ask, () => wait(1), new AbortController().signal)).rejects.toThrow(
    "no such",
  );
  const then = asked;
  await wait(20);
  expect(asked - then).toBeLessThan(2);
});
