import { pagesOf } from "../../base/forge-pages.ts";
import type { Content } from "../../base/markup.ts";
import { forgeSource } from "../../harness/forge-work.ts";
import { chatSource } from "../../harness/intake.ts";
import type { RunDetail } from "../../harness/store/look.ts";
import { away } from "../layout.ts";
import type { Look } from "../look.ts";

// Ways to the chat and to the forge, to addresses of the configuration alone: what others write chooses a number or an id there, at most.

/** `words`, leading to a pull request or issue where it is one of the agent's own repositories. */
export function forgeLink(
  { config: { forge } }: Look,
  words: Content,
  { repo, number }: { readonly repo: string; readonly number: number },
  what: "issues" | "pull",
): Content {
  const known = forge?.repositories.find(({ name }) => name.toLowerCase() === repo.toLowerCase());
  if (forge === undefined || known === undefined || !Number.isSafeInteger(number) || number < 1) return words;
  return away(words, `${pagesOf(forge.api)}/${known.name}/${what}/${number}`);
}

/** `words`, leading to a post in the chat; undefined where `post` is the id of none. */
export function postLink({ config: { chat } }: Look, words: string, post: string | undefined): Content {
  return post !== undefined && /^[a-z0-9]{26}$/.test(post)
    ? away(words, `${chat.url}/_redirect/pl/${post}`)
    : undefined;
}

/** What began a run, and the thread that it is told in. */
export function causeOf(look: Look, { source, source_id, kind, payload }: RunDetail): Content {
  const { repo, number, rootId } = JSON.parse(payload) as { repo?: unknown; number?: unknown; rootId?: unknown };
  if (source === chatSource) return postLink(look, "the post in Mattermost", source_id) ?? `${source} ${source_id}`;
  const thread = typeof rootId === "string" ? postLink(look, "its thread", rootId) : undefined;
  const about =
    source === forgeSource && typeof repo === "string" && typeof number === "number"
      ? forgeLink(look, `${repo}#${number}`, { repo, number }, kind === "issue" ? "issues" : "pull")
      : `${source} ${source_id}`;
  return [about, thread !== undefined && [", ", thread]];
}
