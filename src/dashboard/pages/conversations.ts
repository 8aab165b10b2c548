import { html, type Markup } from "../../base/markup.ts";
import { chatSource } from "../../harness/intake.ts";
import type { ConversationRow, SaidRow } from "../../harness/store/look.ts";
import { age, moment } from "../format.ts";
import { empty, type Frame, layout, part, table } from "../layout.ts";
import type { Look } from "../look.ts";
import { postLink } from "./links.ts";
import { fitting, fittingLast, laneLink, pager, runLink, short } from "./parts.ts";

const onePage = 40;
/** Posts of a conversation on a page, where they are short. */
const mostPosts = 20;
/** Characters of one; the whole is in the chat. */
const mostCharacters = 2000;

export function conversationsPage(frame: Frame, look: Look, before: number | undefined): string {
  const found = look.conversations(before ?? Number.MAX_SAFE_INTEGER, onePage);
  const rows = fitting(found, (one) => row(frame, look, one));
  const oldest = found[rows.length - 1];
  return layout(
    frame,
    "/conversations",
    "Conversations",
    part("list", [
      rows.length === 0
        ? empty(
            `None${before === undefined ? " yet. Each thread with a mention of the agent, and each direct message, is one" : " before"}.`,
          )
        : table("Conversations", ["Asked last", "By", "Newest", html`<span class="num">Runs</span>`], rows),
      (found.length === onePage || rows.length < found.length) &&
        oldest !== undefined &&
        html`<p><a rel="next" href="/conversations?before=${oldest.last_at}">Older ones</a></p>`,
    ]),
  );
}

function row({ now }: Frame, look: Look, { lane, runs, last_at, author, asked }: ConversationRow): Markup {
  return html`<tr><td class="text">${laneLink(lane, short(asked) || lane)}</td><td>${look.name(author)}</td><td>${age(last_at, now)}</td><td class="num">${runs}</td></tr>`;
}

/** What was said in one conversation by those who asked and by the agent, without the newest `skip`; undefined when there is none. */
export function conversationPage(frame: Frame, look: Look, lane: string, skip: number): string | undefined {
  const { said, all } = look.conversation(lane, mostPosts, skip);
  if (all === 0) return undefined;
  const thread = postLink(look, "The whole thread", lane.split(`${chatSource}:`)[1]);
  const shown = fittingLast(said, (one) => post(frame, look, one));
  return layout(
    frame,
    "/conversations",
    "Conversation",
    part("said", [
      html`<p class="soft">What others said without asking the agent is only in the chat.${thread !== undefined && html` ${thread}`}</p>`,
      shown,
      pager(`/conversations/${encodeURIComponent(lane)}`, { skip, shown: shown.length, all }),
    ]),
  );
}

function post(frame: Frame, look: Look, { run, author, at, text, state }: SaidRow): Markup {
  return html`<article class="box"><p><strong>${author === null ? frame.agent : look.name(author)}</strong>, ${moment(at, look.config.timezone)}${
    author === null &&
    state !== "sent" &&
    html`, <span class="bad">${state === "dead" ? "not delivered" : "not delivered yet"}</span>`
  }, ${runLink(run, "run")}</p><div class="said">${text.slice(0, mostCharacters)}${text.length > mostCharacters && " …"}</div></article>`;
}
