import { html } from "../../base/markup.ts";
import { age, moment, plural } from "../format.ts";
import { empty, type Frame, layout, part, table } from "../layout.ts";
import type { Look } from "../look.ts";
import { laneLink, runLink, short } from "./parts.ts";

const onePage = 40;
/** Runs of a conversation that are shown. */
const mostRuns = 50;
const mostCharacters = 3000;

export function conversationsPage(frame: Frame, look: Look, before: number | undefined): string {
  const rows = look.conversations(before ?? Number.MAX_SAFE_INTEGER, onePage);
  const oldest = rows.at(-1);
  return layout(
    frame,
    "/conversations",
    "Conversations",
    part("list", [
      rows.length === 0
        ? empty(
            `None${before === undefined ? " yet. Each thread with a mention of the agent, and each direct message, is one" : " before"}.`,
          )
        : table(
            "Conversations",
            ["Asked last", "By", "Newest", html`<span class="num">Runs</span>`],
            rows.map(
              ({ lane, runs, last_at, author, asked }) =>
                html`<tr><td class="text">${laneLink(lane, short(asked) || lane)}</td><td>${look.name(author)}</td><td>${age(last_at, frame.now)}</td><td class="num">${runs}</td></tr>`,
            ),
          ),
      rows.length === onePage &&
        oldest !== undefined &&
        html`<p><a rel="next" href="/conversations?before=${oldest.last_at}">Older ones</a></p>`,
    ]),
  );
}

/** What was said in one conversation by those who asked and by the agent; undefined when there is none. */
export function conversationPage(frame: Frame, look: Look, lane: string): string | undefined {
  const said = look.conversation(lane, mostRuns);
  if (said.length === 0) return undefined;
  const runs = new Set(said.map(({ run }) => run)).size;
  return layout(
    frame,
    "/conversations",
    "Conversation",
    part("said", [
      html`<p class="soft">${plural(runs, "run")}${runs === mostRuns && ", the newest"}. What others said without asking the agent is only in the chat.</p>`,
      said.map(
        ({ run, author, at, text, state }) =>
          html`<article class="box"><p><strong>${author === null ? frame.agent : look.name(author)}</strong>, ${moment(at, look.config.timezone)}${
            author === null &&
            state !== "sent" &&
            html`, <span class="bad">${state === "dead" ? "not delivered" : "not delivered yet"}</span>`
          }, ${runLink(run, "run")}</p><div class="said">${text.slice(0, mostCharacters)}${text.length > mostCharacters && " …"}</div></article>`,
      ),
    ]),
  );
}
