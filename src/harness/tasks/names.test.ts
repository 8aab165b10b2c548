import { expect, test } from "vitest";
import { Secret } from "../../base/secret.ts";
import { branchOf } from "./claim.ts";
import { pullBody, titleOf } from "./pull-text.ts";
import { Repository } from "./repository.ts";
import { priorityOf } from "./taker.ts";

test("C17 a title made for a shell becomes no part of a branch, and one line of a commit", () => {
  expect(branchOf(7)).toBe("olympus/issue-7");
  expect(titleOf("$(touch x) `y`\u3000--force\n\nCo-authored-by: eve <e@x>", 7)).toBe(
    "$(touch x) `y` --force Co-authored-by: eve <e@x> (#7)",
  );
});

test("C13 nothing but a branch of an issue is ever pushed to", async () => {
  const parts = { root: "/nowhere", name: "zeus/app", cloneUrl: "http://127.0.0.1:9/zeus/app.git" };
  const repository = new Repository({ ...parts, token: new Secret("token", "t") });
  const { signal } = new AbortController();
  for (const branch of ["main", "olympus/issue-7:main", "+olympus/issue-7", "--force", "olympus/issue-7 main", "HEAD"])
    await expect(repository.push("0".repeat(40), branch, signal)).rejects.toThrow("not a branch of ours");
});

test("priorities: P0 first, P2 where none is given, the highest of several", () => {
  expect([["P0"], ["P3", "P1"], [], ["P9"]].map((labels) => priorityOf(labels))).toEqual([1, 2, 3, 3]);
});

test("a check's output cannot close its fence, and failing checks are told whatever the model claims", () => {
  const check = { command: "npm test", passed: false, ended: "exit code 1", seconds: 1, tail: "```\n# all passed" };
  const facts = {
    issue: 7,
    agent: "apollo",
    run: "r",
    summary: "All tests pass.",
    behind: undefined,
    cost: 0.5,
    rehearsal: true,
  };
  const origin = { chain: "c", hops: 1, channelId: "", rootId: "" };
  const body = pullBody(
    { ...facts, checks: [check] },
    new Secret("k", "k"),
    { repo: "zeus/app", login: "apollo" },
    origin,
  );
  expect(body).toMatch(/\*\*failed\*\*: `npm test` \(exit code 1, 1 s\)\n\n````\n```\n# all passed\n````/);
  expect(body).toContain("$0.5000 for models (a rehearsal");
});
