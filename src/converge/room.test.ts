import { expect, test } from "vitest";
import { parseFacts } from "./fact-parse.ts";
import { noFacts } from "./facts.ts";
import type { Operation } from "./operations.ts";
import { planHost, requestsOf } from "./plan.ts";
import { withInodes, withRoom } from "./room.ts";

const state = {
  ...{ generation: "", pending: [], lock: undefined, claims: {}, journal: [] },
  ...{ allClaims: [], history: [], format: 0, epoch: 0 },
};
const file = (path: string): Operation => ({ kind: "file", id: path, path, content: "x" });
const wishes = [{ role: "one", operations: [file("/srv/a"), file("/srv/deep/er/b"), file("/etc/c")] }];
const plan = (inodes: Record<string, number>) => {
  const facts = { ...noFacts, inodes };
  return () => withInodes("athena", planHost(wishes, facts, state), facts);
};

test("#14 what is free is asked for where something may be made, and where a run keeps its own", () => {
  const asked = withRoom(requestsOf(wishes)).flatMap((one) => (one.fact === "space" ? [one.path] : []));
  expect(asked).toEqual(["/srv", "/srv/deep/er", "/etc", "/var/lib/olympus/journal"]);
});

test("#14 bytes and inodes are told apart; a file system without a number of inodes says nothing of them", () => {
  const answer = "m state\n1700000000\nm space\n100\t4096\t50\t7\t/\n100\t4096\t0\t0\t/srv\nm end\n";
  expect(parseFacts(answer, "m").facts).toMatchObject({ space: { "/": 409_600, "/srv": 409_600 }, inodes: { "/": 7 } });
});

test("#14 too few inodes, where the things are or where the journal is: refused with both numbers", () => {
  expect(plan({})().steps).toHaveLength(3);
  expect(plan({ "/": 17, "/srv": 2 })().steps).toHaveLength(3);
  const refusal = { code: "E-ROLE-SPACE", exit: 2 };
  expect(plan({ "/": 1000, "/srv": 1 })).toThrow(
    expect.objectContaining({ ...refusal, message: "athena: no space for /srv/a: 2 inodes needed, 1 free." }),
  );
  expect(plan({ "/": 16, "/srv": 2 })).toThrow(
    expect.objectContaining({ message: expect.stringMatching(/17 inodes needed, 16 free/) as string }),
  );
  expect(plan({ "/": 1000, "/var/lib/olympus": 0 })).toThrow(expect.objectContaining(refusal));
});
