import { type Content, html, type Markup } from "../../base/markup.ts";
import type { PartRow, RunDetail } from "../../harness/store/look.ts";
import { lasting, moment, money, plural } from "../format.ts";
import { empty, type Frame, layout, part } from "../layout.ts";
import type { Look } from "../look.ts";
import { causeOf } from "./links.ts";
import {
  button,
  fitting,
  fittingLast,
  laneLink,
  pageBytes,
  pager,
  runPlace,
  said,
  short,
  stateOf,
  stepRow,
  stepsTable,
  stopButton,
  whoMay,
} from "./parts.ts";

const aPage = 50;
/** Characters of what was asked, and of each post of the answer. */
const mostCharacters = 2000;
/** Bytes of the posts of the answer. */
const answerBytes = 6000;

/** One run from what caused it to its last delivery, without the newest `skip` of its steps; undefined when there is none. */
export function runPage(frame: Frame, look: Look, id: string, skip: number): string | undefined {
  const run = look.run(id);
  if (run === undefined) return undefined;
  const { timezone } = look.config;
  const asked = said(textOf(run.payload), mostCharacters) ?? empty("Nothing in words.");
  const answers = answered(look, run);
  // Steps have the room that words leave them.
  const room = pageBytes - Buffer.byteLength([asked, ...answers].join(""));
  const newest = look.steps(id, aPage, skip);
  const steps = newest.slice(-fittingLast(newest, (step) => stepRow(step, timezone), room).length);
  return layout(frame, "/runs", `Run ${short(run.asked, 40) || id}`, [
    part("facts", facts(look, run)),
    part("acts", actsOf(frame, run)),
    part("more", more(look, id)),
    html`<h2>Asked</h2>${asked}`,
    part("answer", [html`<h2>Answer</h2>`, answers]),
    part("steps", [
      html`<h2>Steps</h2>`,
      steps.length === 0 ? empty("None yet.") : stepsTable("Steps", steps, timezone),
      pager(runPlace(id), { skip, shown: steps.length, all: run.steps }),
    ]),
  ]);
}

function actsOf({ may, agent }: Frame, run: RunDetail): Content {
  if (!may) return whoMay(agent);
  if (run.ended_at === null) return run.kind !== "command" && stopButton(run.id, run.asked);
  return run.kind === "mention" && button(`/runs/${encodeURIComponent(run.id)}/retry`, "Do it once more");
}

function facts(look: Look, run: RunDetail): Markup {
  const { timezone, budget } = look.config;
  const end = run.ended_at ?? look.now();
  const rows: [string, Content][] = [
    ["State", stateOf(run.state, run.outcome)],
    ["Asked by", look.name(run.author)],
    ["Kind", run.kind],
    ["Conversation", laneLink(run.lane, run.lane)],
    ["Caused by", causeOf(look, run)],
    ["Received", moment(run.received_at, timezone)],
    ["Began", html`${moment(run.started_at, timezone)}, waited ${lasting(run.started_at - run.received_at)}`],
    ["Ended", run.ended_at === null ? "not yet" : moment(run.ended_at, timezone)],
    ["Took", lasting(end - run.started_at)],
    ["Cost", `${money(run.usd)} of ${money(budget.run)}`],
    ["Begun", run.starts === 1 ? "once" : `${run.starts} times: the harness was restarted in between`],
  ];
  return html`<dl>${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

/** Where the rest of a run is. */
function more(look: Look, id: string): Content {
  const { messages, changes } = look.kept(id);
  const place = runPlace(id);
  const links = [
    messages > 0 && html`<a href="${place}/messages">${plural(messages, "message")} between harness and model</a>`,
    changes > 0 && html`<a href="${place}/changes">What it changed</a>`,
  ].filter((link) => link !== false);
  return links.length > 0 && html`<p>${links.map((link, index) => [index > 0 && " · ", link])}</p>`;
}

function answered(look: Look, run: RunDetail): Markup[] {
  const parts = look.parts(run.id);
  if (parts.length === 0) return [empty(run.ended_at === null ? "Not yet." : "None was given.")];
  const shown = fitting(
    parts,
    (one) => html`${said(textOf(one.payload), mostCharacters)}<p class="soft">${delivered(look, one)}</p>`,
    answerBytes,
  );
  const left = parts.length - shown.length;
  return left === 0 ? shown : [...shown, html`<p class="soft">${plural(left, "post")} more, in the chat</p>`];
}

function delivered(look: Look, { state, sent_at, error, attempts }: PartRow): Content {
  if (state === "sent" && sent_at !== null) return html`delivered ${moment(sent_at, look.config.timezone)}`;
  if (state === "dead") return html`<span class="bad">not delivered: ${error}</span>`;
  return `to be delivered${attempts > 0 ? `, tried ${attempts} times` : ""}`;
}

function textOf(payload: string): string {
  const { text: said } = JSON.parse(payload) as { text?: unknown };
  return typeof said === "string" ? said : "";
}
