import { html, type Markup } from "../../base/markup.ts";
import type { Change } from "../../harness/store/turns.ts";
import { empty, type Frame, layout, part } from "../layout.ts";
import type { Look } from "../look.ts";
import { runLink, short } from "./parts.ts";

/** Characters of a diff that a page shows; the API gives what is kept. */
const mostCharacters = 60_000;

/** What a run changed in repositories, as diffs; undefined when there is no such run. */
export function changesPage(frame: Frame, look: Look, id: string): string | undefined {
  const run = look.run(id);
  if (run === undefined) return undefined;
  const changes = look.changes(id);
  return layout(frame, "/runs", `Changes of ${short(run.asked, 40) || id}`, [
    html`<p>${runLink(id, "Back to the run")}</p>`,
    part(
      "changes",
      changes.length === 0 ? empty("It handed over no change, or newer runs took its place.") : changes.map(change),
    ),
  ]);
}

function change({ repo, head, diff }: Change): Markup {
  const left = diff.length - mostCharacters;
  return html`<h2>${repo} at ${head.slice(0, 12)}</h2><pre>${diff
    .slice(0, mostCharacters)
    .split(/(?<=\n)/)
    .map(line)}</pre>${left > 0 && html`<p class="soft">${left} characters more</p>`}`;
}

/** Signs say what is new and what is gone; colours repeat it. */
function line(text: string): Markup {
  if (text.startsWith("@@") || text.startsWith("diff ")) return html`<strong>${text}</strong>`;
  const tone = text.startsWith("+") ? "good" : text.startsWith("-") ? "bad" : undefined;
  return tone === undefined ? html`${text}` : html`<span class="${tone}">${text}</span>`;
}
