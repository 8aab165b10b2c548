import { html, type Markup } from "../../base/markup.ts";
import { inboxKinds } from "../../harness/store/inbox.ts";
import type { RunFilter } from "../../harness/store/look.ts";
import { runStates } from "../../harness/store/runs.ts";
import { moment } from "../format.ts";
import { empty, type Frame, layout, part } from "../layout.ts";
import type { Look } from "../look.ts";
import { fitting, pageBytes, runRow, runsTable } from "./parts.ts";

/** Runs on one page. */
const onePage = 40;
/** Bytes of their table: the form above it has its own. */
const listBytes = pageBytes - 2000;

export function runsPage(frame: Frame, look: Look, filter: RunFilter): string {
  const { rows: found, searched } = look.runs(filter, onePage);
  const rows = found.slice(0, fitting(found, (run) => runRow(look, run), listBytes).length);
  const filtered = [filter.state, filter.kind, filter.author, filter.text].some((value) => value !== undefined);
  const oldest = rows.at(-1);
  const further = (before: number, words: string) =>
    html`<p><a rel="next" href="/runs?${queryOf({ ...filter, before })}">${words}</a></p>`;
  const list = [
    rows.length > 0
      ? runsTable(look, "Runs", rows)
      : filtered || filter.before !== undefined
        ? empty(html`No run fits. <a href="/runs">Show all</a>`)
        : empty(`No runs yet. Mention @${frame.agent} in a channel that it is in.`),
    (found.length === onePage || rows.length < found.length) && oldest !== undefined
      ? further(oldest.started_at, "Older runs")
      : searched !== undefined && [
          html`<p class="soft">Looked through the runs since ${moment(searched, look.config.timezone)}.</p>`,
          further(searched, "Look further back"),
        ],
  ];
  return layout(frame, "/runs", "Runs", [filterForm(look, filter), part("list", list)]);
}

function filterForm(look: Look, filter: RunFilter): Markup {
  const people = [...look.config.chat.people, ...look.config.chat.agents];
  return html`<form class="filter" method="get" action="/runs" role="search">
<p><label for="text">Words in it</label><input id="text" name="text" type="search" maxlength="200" value="${filter.text}"></p>
${select(
  "state",
  "State",
  runStates.map((state) => [state, state]),
  filter.state,
)}
${select(
  "kind",
  "Kind",
  inboxKinds.map((kind) => [kind, kind]),
  filter.kind,
)}
${select(
  "author",
  "Asked by",
  people.map(({ id, name }) => [id, name]),
  filter.author,
)}
<p><button>Show</button></p></form>`;
}

export function select(
  name: string,
  label: string,
  options: readonly (readonly [string, string])[],
  chosen: string | undefined,
  any = "any",
): Markup {
  return html`<p><label for="${name}">${label}</label><select id="${name}" name="${name}">${any !== "" && html`<option value="">${any}</option>`}${options.map(
    ([value, words]) => html`<option value="${value}"${value === chosen && html` selected`}>${words}</option>`,
  )}</select></p>`;
}

function queryOf(filter: RunFilter): string {
  const given = Object.entries(filter).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString();
}
