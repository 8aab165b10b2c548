import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { forgeConfig } from "../../../test/support/forge-agents.ts";
import type { ForgeIssue, ForgePull, IssueEvent } from "../forge-port.ts";
import { openStore } from "../store/open.ts";
import { reviewTaker } from "./take.ts";

test("a review is taken in once for a head and for each time that it is asked for", () => {
  const dir = mkdtempSync(join(tmpdir(), "olympus-review-"));
  const store = openStore(dir);
  const config = forgeConfig("athena", "http://forge", ["athena", "apollo"], dir);
  const { take } = reviewTaker({ config, store });
  const user = (login: string) => ({ login, id: 1, bot: false });
  const asked = (id: number): IssueEvent => ({
    id,
    kind: "review_requested",
    actor: user("apollo"),
    subject: "",
    at: 0,
  });
  const look = (sha: string, events: IssueEvent[], requestedReviewers = ["athena"]): number => {
    const pull = {
      number: 8,
      state: "open",
      draft: false,
      title: "Work",
      author: user("apollo"),
      head: { branch: "olympus/issue-7", sha: sha.repeat(40), repo: "zeus/app" },
      requestedReviewers,
      updatedAt: 0,
    } as Partial<ForgePull> as ForgePull;
    take({ repo: "zeus/app", issue: { number: 8, isPull: true } as ForgeIssue, events, comments: [], pull }, 0);
    return store.all("SELECT 1 FROM inbox").length;
  };
  const counts = [
    look("a", [asked(1)]),
    look("a", [asked(1)]),
    // Its first review was given, and nobody asks for another.
    look("a", [asked(1)], []),
    look("a", [asked(1), asked(2)]),
    look("b", [asked(1), asked(2)]),
  ];
  expect(counts).toEqual([1, 1, 1, 2, 3]);
  store.close();
  rmSync(dir, { recursive: true });
});
