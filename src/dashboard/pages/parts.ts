import { type Content, html, type Markup } from "../../base/markup.ts";
import type { RunRow, StepRow } from "../../harness/store/look.ts";
import { age, lasting, moment, money } from "../format.ts";
import { table } from "../layout.ts";
import type { Look } from "../look.ts";

/** What several pages show alike. */

export function runPlace(id: string): string {
  return `/runs/${encodeURIComponent(id)}`;
}

export function runLink(id: string, words: string): Markup {
  return html`<a href="${runPlace(id)}">${words}</a>`;
}

/** Bytes of lists and texts on a page: with style, script and all that stands around them it weighs 30 kB at most. */
export const pageBytes = 17_600;

/** As many of the first ones as fit on a page, made one by one until it is full; one at least. */
export function fitting<T>(all: readonly T[], make: (one: T) => Markup, bytes = pageBytes): Markup[] {
  const made: Markup[] = [];
  let left = bytes;
  for (const one of all) {
    const markup = make(one);
    left -= Buffer.byteLength(markup.toString());
    if (left < 0 && made.length > 0) break;
    made.push(markup);
  }
  return made;
}

/** As many of the last ones as fit. */
export function fittingLast<T>(all: readonly T[], make: (one: T) => Markup, bytes = pageBytes): Markup[] {
  return fitting(all.toReversed(), make, bytes).reverse();
}

/** A text in pieces of which several fit on a page: each line one, or more. */
export function piecesOf(text: string): string[] {
  return text.match(/[^\n]{1,1000}\n?|\n/gu) ?? [];
}

/** Links to what a list at `place` leaves out, which shows `shown` of `all` after `skip` that come first: the newest, or of a text its beginning. */
export function pager(
  place: string,
  { skip, shown, all }: { skip: number; shown: number; all: number },
  [on, back]: readonly [string, string] = ["Older", "Newer"],
): Content {
  const at = (to: number, words: string) =>
    html`<a href="${place}${to > 0 && `${place.includes("?") ? "&" : "?"}skip=${to}`}">${words}</a>`;
  const older = skip + shown < all && at(skip + shown, `${on}: ${all - skip - shown}`);
  const newer = skip > 0 && at(Math.max(0, skip - shown), `${back}: ${skip}`);
  return (older || newer) && html`<p>${older}${older && newer && " · "}${newer}</p>`;
}

export function laneLink(lane: string, words: string): Markup {
  return html`<a href="/conversations/${encodeURIComponent(lane)}">${words}</a>`;
}

/** One line of what somebody wrote. */
export function short(text: string, most = 120): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= most ? line : `${line.slice(0, most)} …`;
}

/** A button that changes something. `warning` is read before it can be pressed, so that nobody presses it by mistake. */
export function button(action: string, words: string, warning?: string): Markup {
  const form = html`<form method="post" action="${action}"><button>${words}</button></form>`;
  return warning === undefined
    ? form
    : html`<details class="act"><summary>${words} …</summary><p>${warning}</p>${form}</details>`;
}

/** For those who may not: who may. */
export function whoMay(agent: string): Markup {
  return html`<p class="soft">To stop, pause or repeat work, sign in as a person who may give ${agent} tasks.</p>`;
}

export function stopButton(run: string, asked: string): Markup {
  return button(
    `/runs/${encodeURIComponent(run)}/stop`,
    "Stop this run",
    `Ends “${short(asked, 60)}” for good. What it did so far stays in its journal, its thread is told, and it can be repeated.`,
  );
}

const stateWords: Readonly<Record<string, string>> = {
  running: "running",
  delivering: "being delivered",
  done: "done",
  failed: "failed",
};

export function stateOf(state: string, outcome: string | null): Markup {
  const tone = state === "failed" ? "bad" : state === "done" ? "good" : "warn";
  const more = outcome !== null && outcome !== "answered" && outcome !== state ? `: ${outcome}` : "";
  return html`<span class="${tone}">${stateWords[state] ?? state}${more}</span>`;
}

export function runsTable(look: Look, label: string, rows: readonly RunRow[]): Markup {
  return table(
    label,
    ["Asked", "By", "Kind", "State", "Began", html`<span class="num">Took</span>`, html`<span class="num">Cost</span>`],
    rows.map((run) => runRow(look, run)),
  );
}

export function runRow(look: Look, run: RunRow): Markup {
  const now = look.now();
  return html`<tr><td class="text">${runLink(run.id, short(run.asked) || run.id)}</td><td>${look.name(run.author)}</td><td>${run.kind}</td><td class="text">${stateOf(run.state, run.outcome)}</td><td>${age(run.started_at, now)}</td><td class="num">${lasting((run.ended_at ?? now) - run.started_at)}</td><td class="num">${money(run.usd)}</td></tr>`;
}

/** A journal as a table, oldest first. */
export function stepsTable(label: string, steps: readonly StepRow[], timezone: string): Markup {
  return table(
    label,
    [
      "At",
      "Step",
      "Came of it",
      "Detail",
      html`<span class="num">Took</span>`,
      html`<span class="num">Tokens</span>`,
      html`<span class="num">Cost</span>`,
    ],
    steps.map((step) => stepRow(step, timezone)),
  );
}

export function stepRow(step: StepRow, timezone: string): Markup {
  return html`<tr><td>${moment(step.at, timezone)}</td><td>${step.kind}${step.model !== null && html` ${step.provider}/${step.model}`}</td><td class="text">${outcomeOf(step)}</td><td class="text">${step.detail}</td><td class="num">${lasting(step.took_ms)}</td><td class="num">${step.input_tokens !== null && `${step.input_tokens} + ${step.output_tokens ?? 0}`}</td><td class="num">${step.usd !== null && money(step.usd)}</td></tr>`;
}

function outcomeOf({ outcome }: StepRow): Markup {
  if (outcome === "started") return html`<span class="warn">under way</span>`;
  return html`<span class="${outcome === "ok" ? "good" : "bad"}">${outcome}</span>`;
}

/** A text as it was written, its first `most` characters where it is long; undefined for none. */
export function said(text: string, most: number): Markup | undefined {
  if (text === "") return undefined;
  const left = text.length - most;
  return html`<div class="box said">${text.slice(0, most)}${left > 0 && html`<br><span class="soft">${left} characters more</span>`}</div>`;
}
