import { expect, test } from "vitest";
import { refusal } from "./refusals.ts";

const json = (id: string) => JSON.stringify({ id, message: "some words", status_code: 1 });
const kindOf = (status: number, text: string) => refusal(status, new Headers(), text).kind;

test.each([
  // By Mattermost's own id: for good.
  [403, json("api.context.permissions.app_error"), "refused"],
  [400, json("api.post.create_post.can_not_post_to_deleted.error"), "refused"],
  [404, json("app.channel.get.existing.app_error"), "refused"],
  [404, json("app.post.get.app_error"), "refused"],
  [400, json("api.post.create_post.root_id.app_error"), "refused"],
  [500, json("api.post.create_post.channel_root_id.app_error"), "refused"],
  [400, json("Post rejected by plugin. no such words here"), "refused"],
  // The same statuses from somebody else, or in words that nobody listed: not for good.
  [403, "<html>403 Forbidden</html>", "unclear"],
  [404, "<html>404 Not Found</html>", "unclear"],
  [404, json("api.context.404.app_error"), "unclear"],
  [403, json("api.something.new.app_error"), "unclear"],
  [403, "{not json", "unclear"],
  [403, "null", "unclear"],
  // Passing troubles.
  [500, json("app.post.get.app_error"), "retry"],
  [502, "bad gateway", "retry"],
  [408, "", "retry"],
  [429, "limit exceeded", "retry"],
  [401, json("api.context.session_expired.app_error"), "unauthorised"],
])("HTTP %i %s is %s", (status, text, kind) => {
  expect(kindOf(status, text)).toBe(kind);
});

test("the message names status, words and id", () => {
  expect(refusal(403, new Headers(), json("a.b"))).toMatchObject({ message: "HTTP 403: some words (a.b)", id: "a.b" });
});
