import { html, type Markup } from "../../base/markup.ts";
import { empty, type Frame, layout, part } from "../layout.ts";
import type { Look, Said } from "../look.ts";
import { fitting, fittingLast, pager, piecesOf, runLink, runPlace, said, short } from "./parts.ts";

const aPage = 20;
/** Characters of one message, and of what it calls, among the others; the whole is a page of its own. */
const mostCharacters = 1500;

/** What harness and model said to one another in a run, tools and what they gave included, the newest last; undefined when there is no such run. */
export function messagesPage(frame: Frame, look: Look, id: string, skip: number): string | undefined {
  const run = look.run(id);
  if (run === undefined) return undefined;
  const { messages } = look.kept(id);
  const shown = fittingLast(look.messages(id, aPage, skip), (one) => message(id, one));
  return layout(frame, "/runs", `Messages of ${short(run.asked, 40) || id}`, [
    html`<p>${runLink(id, "Back to the run")}</p>`,
    part("messages", [
      shown.length === 0
        ? empty("None are kept: a model was not asked with tools, or newer runs took their place.")
        : shown,
      pager(`${runPlace(id)}/messages`, { skip, shown: shown.length, all: messages }),
    ]),
  ]);
}

function message(run: string, one: Said): Markup {
  const { text } = one;
  const calls = callsOf(one);
  const cut = text.length > mostCharacters || calls.length > mostCharacters;
  return html`<details><summary>${titleOf(one)}: ${short(text, 80)}${calls !== "" && html` <code>${short(calls, 80)}</code>`}</summary>${said(text, mostCharacters)}${
    calls !== "" && html`<pre>${calls.slice(0, mostCharacters)}</pre>`
  }${cut && html`<p><a href="${placeOf(run, one)}">The whole message</a></p>`}</details>`;
}

/** One message, without the first `skip` pieces of it; undefined when there is none. */
export function messagePage(
  frame: Frame,
  look: Look,
  id: string,
  { part: of, seq, skip }: { readonly part: string; readonly seq: number; readonly skip: number },
): string | undefined {
  const one = look.message(id, of, seq);
  if (one === undefined) return undefined;
  const pieces = piecesOf([one.text, callsOf(one)].filter((text) => text !== "").join("\n\n"));
  const shown = fitting(pieces.slice(skip), (piece) => html`${piece}`);
  const words = ["Further lines", "Lines before"] as const;
  return layout(
    frame,
    "/runs",
    `Message of ${id}`,
    [
      html`<p>${runLink(id, "Back to the run")} · <a href="${runPlace(id)}/messages">All its messages</a></p>`,
      html`<h2>${titleOf(one)}</h2>`,
      shown.length === 0 ? empty("Nothing in words.") : html`<pre>${shown}</pre>`,
      pager(placeOf(id, one), { skip, shown: shown.length, all: pieces.length }, words),
    ],
    false,
  );
}

const titleOf = ({ part: of, role, of: tool }: Said): string => `${of}, ${tool === null ? role : `${role} ${tool}`}`;

const callsOf = ({ calls }: Said): string =>
  calls.map(({ name, input }) => `${name} ${JSON.stringify(input, null, 1)}`).join("\n");

const placeOf = (run: string, { part: of, seq }: Said): string =>
  `${runPlace(run)}/messages/${encodeURIComponent(of)}/${seq}`;
