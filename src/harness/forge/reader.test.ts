import { expect, test } from "vitest";
import { GithubReader } from "./reader.ts";
import type { Requests } from "./requests.ts";
import type { RawIssue } from "./views.ts";

const start = Date.parse("2026-01-01T00:00:00Z");

/** A list of issues by their last change, in pages of a hundred, as GitHub gives it; `between` happens after each page. */
function listed(times: readonly number[], between: (times: number[]) => void = () => undefined) {
  const at = [...times];
  let asked = 0;
  const read = async (_: string, { since, page }: Record<string, unknown>) => {
    asked++;
    const all = at
      .map((seconds, index) => ({ number: index + 1, updated_at: new Date(start + seconds * 1000).toISOString() }))
      .filter(({ updated_at }) => Date.parse(updated_at) >= Date.parse(String(since)))
      .sort((a, b) => a.updated_at.localeCompare(b.updated_at) || a.number - b.number)
      .map((one) => ({ ...one, user: null, author_association: "NONE", labels: [], state: "open" }) as unknown)
      .slice((Number(page) - 1) * 100, Number(page) * 100) as RawIssue[];
    between(at);
    return { data: all, fresh: asked === 1 };
  };
  const reader = new GithubReader({ read } as Partial<Requests> as Requests);
  return { numbers: async () => (await reader.changed("zeus/app", start))!.map(({ number }) => number), at };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);

test("changed: what changes while pages are read hides nothing, and is there once, at its new place", async () => {
  let now = 1000;
  const { numbers } = listed(upTo(250), (at) => {
    at[now - 1000] = now++;
  });
  const found = await numbers();
  expect(found.slice().sort((a, b) => a - b)).toEqual(upTo(250));
  expect(found.at(-1)).toBe(2);
});

test("changed: hundreds of one second are all found, and those after them", async () => {
  expect((await listed(upTo(250).map(() => 7)).numbers()).sort((a, b) => a - b)).toEqual(upTo(250));
  const { numbers } = listed(upTo(300).map((n) => (n <= 50 ? n : n <= 270 ? 60 : n)));
  expect((await numbers()).sort((a, b) => a - b)).toEqual(upTo(300));
});

test("compare: as many files as GitHub tells at most may not be all, so there is no comparison", async () => {
  const of = (count: number) => {
    const files = upTo(count).map((n) => ({ filename: `a/${n}`, status: "added", additions: 1, deletions: 0 }));
    const find = async () => ({ status: "ahead", files });
    return new GithubReader({ find } as unknown as Requests).compare("zeus/app", "a", "b");
  };
  expect(await of(299)).toHaveLength(299);
  expect(await of(300)).toBeUndefined();
});
