import { html, type Markup } from "../../base/markup.ts";
import type { Change } from "../../harness/store/turns.ts";
import { empty, type Frame, layout, part } from "../layout.ts";
import type { Look } from "../look.ts";
import { fitting, pager, piecesOf, runLink, runPlace, short } from "./parts.ts";

/** What a run changed in repositories, as diffs, without the first `skip` pieces of them; undefined when there is no such run. */
export function changesPage(frame: Frame, look: Look, id: string, skip: number): string | undefined {
  const run = look.run(id);
  if (run === undefined) return undefined;
  const pieces = look.changes(id).flatMap((change) => piecesOf(change.diff).map((text) => ({ change, text })));
  const left = pieces.slice(skip);
  const shown = left.slice(0, fitting(left, ({ text }) => line(text)).length);
  const place = `${runPlace(id)}/changes`;
  return layout(frame, "/runs", `Changes of ${short(run.asked, 40) || id}`, [
    html`<p>${runLink(id, "Back to the run")}</p>`,
    part("changes", [
      shown.length === 0
        ? empty("It handed over no change, or newer runs took its place.")
        : [...Map.groupBy(shown, ({ change }) => change)].map(([change, some]) => changed(change, some)),
      pager(place, { skip, shown: shown.length, all: pieces.length }, ["Further lines", "Lines before"]),
    ]),
  ]);
}

function changed({ repo, head }: Change, pieces: readonly { readonly text: string }[]): Markup {
  return html`<h2>${repo} at ${head.slice(0, 12)}</h2><pre>${pieces.map(({ text }) => line(text))}</pre>`;
}

/** Signs say what is new and what is gone; colours repeat it. */
function line(text: string): Markup {
  if (text.startsWith("@@") || text.startsWith("diff ")) return html`<strong>${text}</strong>`;
  const tone = text.startsWith("+") ? "good" : text.startsWith("-") ? "bad" : undefined;
  return tone === undefined ? html`${text}` : html`<span class="${tone}">${text}</span>`;
}
