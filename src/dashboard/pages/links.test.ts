import { expect, test } from "vitest";
import { agentConfig } from "../../../test/support/agent-config.ts";
import { html } from "../../base/markup.ts";
import type { Look } from "../look.ts";
import { causeOf, forgeLink, postLink } from "./links.ts";

const post = "abcdefghijklmnopqrstuvwxyz";
const lookOf = (api: string, url = "https://chat.example") =>
  ({
    config: agentConfig({
      chat: { url },
      forge: {
        api,
        login: "athena",
        tokenFile: "t",
        keyFile: "k",
        name: "a",
        email: "a@b",
        repositories: [{ name: "Zeus/app" }],
      },
    }),
  }) as unknown as Look;
const written = (content: ReturnType<typeof forgeLink>) => html`${content}`.toString();
const look = lookOf("https://api.github.com");

test("a pull request of one of the agent's repositories is led to, where the forge has its pages", () => {
  const link = '<a rel="noreferrer" href="https://github.com/Zeus/app/pull/3">merge</a>';
  expect(written(forgeLink(look, "merge", { repo: "zeus/app", number: 3 }, "pull"))).toBe(link);
});

test.each<[string, string, number]>([
  ["another repository", "eve/app", 3],
  ["what is no repository", "zeus/app/../../login?return_to=//evil.example", 3],
  ["no number", "zeus/app", 0],
  ["a number that is none", "zeus/app", Number.NaN],
])("%s is words alone", (_, repo, number) => {
  expect(written(forgeLink(look, "<b>", { repo, number }, "pull"))).toBe("&lt;b&gt;");
});

test("an address that is none of the web leads nowhere", () => {
  for (const address of ["javascript:alert(1)", "data:text/html,x", "ftp://chat.example"]) {
    const odd = lookOf(address, address);
    expect(written(forgeLink(odd, "merge", { repo: "zeus/app", number: 3 }, "pull"))).toBe("merge");
    expect(written(postLink(odd, "the post", post))).toBe("the post");
  }
});

test("a run leads to what began it, and to its thread; what looks like neither is shown as it is", () => {
  const run = (source: string, source_id: string, kind: string, payload: object) =>
    written(causeOf(look, { source, source_id, kind, payload: JSON.stringify(payload) } as never));
  const away = (path: string, words: string) => `<a rel="noreferrer" href="${path}">${words}</a>`;
  const place = `https://chat.example/_redirect/pl/${post}`;
  expect(run("mattermost", post, "mention", {})).toBe(away(place, "the post in Mattermost"));
  expect(run("mattermost", "../evil", "mention", {})).toBe("mattermost ../evil");
  const about = { repo: "zeus/app", number: 7, rootId: post };
  const issue = away("https://github.com/Zeus/app/issues/7", "zeus/app#7");
  expect(run("github", "issue-7", "issue", about)).toBe(`${issue}, ${away(place, "its thread")}`);
  const pull = away("https://github.com/Zeus/app/pull/7", "zeus/app#7");
  expect(run("github", "review-7", "review", { ...about, rootId: "" })).toBe(pull);
  expect(run("github", "x", "review", { repo: { evil: 1 }, number: "7" })).toBe("github x");
  expect(run("schedule", "daily", "schedule", {})).toBe("schedule daily");
});
