import { type Content, html, type Markup } from "../../base/markup.ts";
import type { PartRow, RunDetail } from "../../harness/store/look.ts";
import { lasting, moment, money } from "../format.ts";
import { empty, type Frame, layout, part } from "../layout.ts";
import type { Look } from "../look.ts";
import { button, laneLink, short, stateOf, stepsTable, stopButton, whoMay } from "./parts.ts";

const mostSteps = 300;
const mostMessages = 60;
const mostCharacters = 4000;

/** One run from what caused it to its last delivery; undefined when there is none. */
export function runPage(frame: Frame, look: Look, id: string): string | undefined {
  const run = look.run(id);
  if (run === undefined) return undefined;
  const steps = look.steps(id, mostSteps);
  const left = run.steps - steps.length;
  return layout(frame, "/runs", `Run ${short(run.asked, 40) || id}`, [
    part("facts", facts(look, run)),
    part("acts", actsOf(frame, run)),
    html`<h2>Asked</h2>${text(textOf(run.payload)) ?? empty("Nothing in words.")}`,
    part("answer", [html`<h2>Answer</h2>`, answer(look, run)]),
    part("steps", [
      html`<h2>Steps</h2>`,
      left > 0 && html`<p>The newest ${mostSteps}; ${left} before them are left out.</p>`,
      steps.length === 0 ? empty("None yet.") : stepsTable("Steps", steps, look.config.timezone),
    ]),
    part("messages", messages(look, run)),
  ]);
}

function actsOf({ may, agent }: Frame, run: RunDetail): Content {
  if (!may) return whoMay(agent);
  if (run.ended_at === null) return run.kind !== "command" && stopButton(run.id, run.asked);
  return run.kind === "mention" && button(`/runs/${encodeURIComponent(run.id)}/retry`, "Do it once more");
}

function facts(look: Look, run: RunDetail): Markup {
  const { timezone, chat, budget } = look.config;
  const end = run.ended_at ?? look.now();
  const rows: [string, Content][] = [
    ["State", stateOf(run.state, run.outcome)],
    ["Asked by", look.name(run.author)],
    ["Kind", run.kind],
    ["Conversation", laneLink(run.lane, run.lane)],
    [
      "Caused by",
      run.source === "mattermost" && /^[a-z0-9]{26}$/.test(run.source_id)
        ? html`<a rel="noreferrer" href="${chat.url}/_redirect/pl/${run.source_id}">the post in Mattermost</a>`
        : `${run.source} ${run.source_id}`,
    ],
    ["Received", moment(run.received_at, timezone)],
    ["Began", html`${moment(run.started_at, timezone)}, waited ${lasting(run.started_at - run.received_at)}`],
    ["Ended", run.ended_at === null ? "not yet" : moment(run.ended_at, timezone)],
    ["Took", lasting(end - run.started_at)],
    ["Cost", `${money(run.usd)} of ${money(budget.run)}`],
    ["Begun", run.starts === 1 ? "once" : `${run.starts} times: the harness was restarted in between`],
  ];
  return html`<dl>${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

function answer(look: Look, run: RunDetail): Content {
  const parts = look.parts(run.id);
  if (parts.length === 0) return empty(run.ended_at === null ? "Not yet." : "None was given.");
  return parts.map((one) => [text(textOf(one.payload)), html`<p class="soft">${delivered(look, one)}</p>`]);
}

function delivered(look: Look, { state, sent_at, error, attempts }: PartRow): Content {
  if (state === "sent" && sent_at !== null) return html`delivered ${moment(sent_at, look.config.timezone)}`;
  if (state === "dead") return html`<span class="bad">not delivered: ${error}</span>`;
  return `to be delivered${attempts > 0 ? `, tried ${attempts} times` : ""}`;
}

function messages(look: Look, run: RunDetail): Content {
  if (run.ended_at !== null) return undefined;
  const said = look.messages(run.id, mostMessages);
  if (said.length === 0) return undefined;
  return html`<h2>Between harness and model</h2><p class="soft">Kept while the run goes on.</p>${said.map(
    ({ part: of, message }) => {
      const { role, content, calls } = parsed(message);
      return html`<details><summary>${of}, ${role}: ${short(content, 80)}${calls !== "" && html` <code>${short(calls, 80)}</code>`}</summary>${text(content)}${calls !== "" && html`<pre>${calls.slice(0, mostCharacters)}</pre>`}</details>`;
    },
  )}`;
}

function parsed(message: string): { role: string; content: string; calls: string } {
  const { role, content, calls } = JSON.parse(message) as { role?: unknown; content?: unknown; calls?: unknown };
  return {
    role: String(role),
    content: String(content ?? ""),
    calls: calls === undefined ? "" : JSON.stringify(calls),
  };
}

function textOf(payload: string): string {
  const { text: said } = JSON.parse(payload) as { text?: unknown };
  return typeof said === "string" ? said : "";
}

function text(said: string): Markup | undefined {
  if (said === "") return undefined;
  const cut = said.length > mostCharacters;
  return html`<div class="box said">${said.slice(0, mostCharacters)}${cut && html`<br><span class="soft">${said.length - mostCharacters} characters more</span>`}</div>`;
}
