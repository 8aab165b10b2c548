import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { forgeConfig } from "../../../test/support/forge-agents.ts";
import type { ForgeIssue, ForgePull, ForgeReview, ReviewComment, ReviewState } from "../forge-port.ts";
import type { ForgeChange } from "../forge-work.ts";
import { openStore, type Store } from "../store/open.ts";
import { claimNext } from "../store/runs.ts";
import type { ForgeParts } from "./parts.ts";
import { beginWork, changeWork } from "./table.ts";
import { mayBeWork, workTaker } from "./taker.ts";

const repo = "zeus/app";
let dir: string;
let store: Store;
let parts: ForgeParts;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "olympus-taker-"));
  store = openStore(dir);
  const config = forgeConfig("athena", "http://forge", ["athena", "apollo"], dir);
  parts = { config, settings: config.forge!, store } as ForgeParts;
});

afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

const user = (login: string) => ({ login, id: 1, bot: false });
const issue = (more: Partial<ForgeIssue>) =>
  ({ number: 7, open: true, isPull: false, labels: ["olympus"], assignees: [], ...more }) as ForgeIssue;

test.each([
  [[], true],
  [["zeus"], false],
  [["apollo"], false],
  [["somebody-else"], false],
  [["zeus", "Athena"], true],
])("an issue with the label that is given to %j: work is %s", (assignees, expected) => {
  expect(mayBeWork(parts, repo, issue({ assignees }))).toBe(expected);
});

const review = (id: number, login: string, state: ReviewState, body = ""): ForgeReview =>
  ({ id, author: user(login), state, body, at: 0 }) as ForgeReview;
const line = (id: number, login: string, of: number): ReviewComment =>
  ({ id, author: user(login), review: of, body: "why?", createdAt: 0 }) as ReviewComment;

test("a person's remark on a line is heard without a word beside it, once; not a stranger's, an agent's, or one with an approval", () => {
  const begun = { repo, number: 7, branch: "olympus/issue-7", base: "b", run: "r", lease_until: 0 };
  beginWork(store, { ...begun, channel: null, root: null, chain: "c", hops: 0 }, 0);
  changeWork(store, repo, 7, { state: "opened", pull: 8 }, 0);
  const change = {
    repo,
    issue: issue({ number: 8, isPull: true, title: "Work" }),
    events: [],
    comments: [],
    pull: { state: "open" } as ForgePull,
    reviews: [
      review(1, "zeus", "commented"),
      review(2, "stranger", "commented"),
      review(3, "apollo", "commented"),
      review(4, "zeus", "approved"),
      review(5, "zeus", "changes_requested", "no"),
    ],
    reviewComments: [
      line(11, "zeus", 1),
      line(12, "stranger", 2),
      line(13, "apollo", 3),
      line(14, "zeus", 4),
      line(15, "zeus", 5),
    ],
  } satisfies ForgeChange;
  const taken = (): string[] =>
    store.all<{ source_id: string }>("SELECT source_id FROM inbox ORDER BY id").map(({ source_id }) => source_id);
  const expected = ["rework-zeus.app-8-review-5", "rework-zeus.app-8-line-11"];
  workTaker(parts).take(change, 0);
  workTaker(parts).take(change, 0);
  expect(taken()).toEqual(expected);
  const heard = JSON.stringify(["line-11", "review-5", "line-15", "line-16"]);
  changeWork(store, repo, 7, { heard }, 0);
  workTaker(parts).take({ ...change, reviewComments: [...change.reviewComments, line(16, "zeus", 1)] }, 0);
  expect(taken()).toEqual(expected);
});

test("of issues that wait the one with P0 is begun first, though others are older", () => {
  const wished = (number: number, ...labels: string[]): ForgeChange => ({
    repo,
    issue: issue({ number, title: "Wish", labels: ["olympus", ...labels], author: user("zeus"), createdAt: number }),
    events: [{ id: number, kind: "labeled", actor: user("zeus"), subject: "olympus", at: number }],
    comments: [],
  });
  for (const change of [wished(1, "P2"), wished(2), wished(3, "P1"), wished(4, "P0")]) workTaker(parts).take(change, 0);
  const begun = [1, 2, 3, 4].map(() => claimNext(store, 0, "issue")?.lane);
  expect(begun).toEqual([4, 3, 1, 2].map((number) => `github:${repo}#${number}`));
});
