import { html, type Markup } from "../../base/markup.ts";
import type { KeptNote } from "../../harness/store/look-sums.ts";
import { moment } from "../format.ts";
import { empty, type Frame, layout, table } from "../layout.ts";
import type { Look } from "../look.ts";
import { fitting, pager } from "./parts.ts";

const aPage = 100;

/** What the agent was asked to keep, by whom and when. */
export function memoryPage(frame: Frame, look: Look, { text, skip }: { text: string; skip: number }): string {
  const notes = look.notes(text, aPage, skip);
  const shown = fitting(notes, (note) => row(frame, look, note));
  const { agent, may: mayForget } = frame;
  return layout(
    frame,
    "/memory",
    "Memory",
    [
      html`<form class="filter" method="get" action="/memory" role="search"><p><label for="text">Words in it, or a name</label><input id="text" name="text" type="search" maxlength="200" value="${text}"></p><p><button>Search</button></p></form>`,
      notes.length === 0
        ? empty(
            text === ""
              ? html`Nobody asked ${agent} to remember anything yet. In chat: <code>@${agent} remember: …</code>`
              : html`Nothing of that kind. <a href="/memory">Show all</a>`,
          )
        : table(
            "Memory",
            ["Remembered", "Told", "Said by", "When", "Where", mayForget ? "Forget" : ""].filter((head) => head !== ""),
            shown,
          ),
      pager(text === "" ? "/memory" : `/memory?${new URLSearchParams({ text })}`, {
        skip,
        shown: shown.length,
        all: look.noteCount(text),
      }),
      !mayForget &&
        html`<p class="soft">To forget one, sign in as a person who may give ${agent} tasks, or say <code>@${agent} forget #…</code> in chat.</p>`,
    ],
    false,
  );
}

function row({ may }: Frame, look: Look, { id, text, kind, name, author, at, source }: KeptNote): Markup {
  return html`<tr><td class="text">#${id} ${text}</td><td>${kind === "fact" ? "always" : "when it fits"}</td><td>${name}${whoNow(look, author)}</td><td>${moment(at, look.config.timezone)}</td><td>${where(look, source)}</td>${
    may &&
    html`<td><form method="post" action="/memory/${id}/forget"><button aria-label="Forget number ${id}">Forget</button></form></td>`
  }</tr>`;
}

function whoNow(look: Look, author: string) {
  const person = look.config.chat.people.find(({ id }) => id === author);
  return person?.command === true ? undefined : html` <span class="warn">(may not give tasks any more)</span>`;
}

function where(look: Look, source: string) {
  return /^[a-z0-9]{26}$/.test(source)
    ? html`<a rel="noreferrer" href="${look.config.chat.url}/_redirect/pl/${source}">the post</a>`
    : source;
}
