import { type Content, html, type Markup } from "../../base/markup.ts";
import { aboutGate, isAsked } from "../../harness/gates/gate.ts";
import { waitsFor } from "../../harness/gates/people.ts";
import type { ToolsState } from "../../harness/loop/workshop.ts";
import { age, lasting, money, plural } from "../format.ts";
import { empty, type Frame, layout, part } from "../layout.ts";
import type { Look } from "../look.ts";
import type { AgentStatus } from "../status.ts";
import { causeOf, forgeLink } from "./links.ts";
import { button, runLink, runsTable, short, stepsTable, stopButton, whoMay } from "./parts.ts";

/** What is she doing, what waits, what did it cost, is she well: worst first. */
export function nowPage(frame: Frame, look: Look): string {
  const status = look.status();
  const last = look.runs({}, 5).rows;
  return layout(frame, "/", "Now", [
    part("trouble", trouble(look, status)),
    part("now", working(frame, look, status)),
    part("next", waiting(look, status)),
    part("today", today(look, status)),
    part("health", health(look, status)),
    part("last", [
      html`<h2>Last runs</h2>`,
      last.length === 0
        ? empty(`No runs yet. Mention @${frame.agent} in a channel that it is in.`)
        : [runsTable(look, "Last runs", last), html`<p><a href="/runs">All runs</a></p>`],
    ]),
  ]);
}

function trouble(look: Look, status: AgentStatus): Content {
  const { harness, dropped, disk } = status;
  const told: Content[] = look
    .gates()
    .filter((gate) => isAsked(gate, status.now))
    .map(
      (gate) =>
        html`<p><a href="/gates">${aboutGate(gate)}</a> waits for ${waitsFor(look.config, gate).join(", ") || "somebody who may"}, ${age(gate.createdAt, status.now)}${gate.repo !== "" && [": ", forgeLink(look, "the pull request", gate, "pull")]}</p>`,
    );
  if (harness.chat !== "connected")
    told.push(
      html`<p>Chat: ${harness.chat}${harness.reason !== undefined && html`, ${harness.reason}`}. Mentions wait there until it is back.</p>`,
    );
  if (disk !== undefined) told.push(html`<p>${disk}. Mentions wait in the chat until there is room again.</p>`);
  for (const trouble of status.forge ?? []) told.push(html`<p>Forge: ${trouble}. It is tried again.</p>`);
  for (const { model, since, why } of harness.failing)
    told.push(html`<p>${model} does not answer: ${why}, ${age(since, status.now)}.</p>`);
  if (status.overBudget)
    told.push(
      html`<p>Today's budget is used up: hardly a model is asked until midnight at ${status.agent}'s place.</p>`,
    );
  if (harness.draining)
    told.push(html`<p>The harness is stopping: it finishes what is under way and takes nothing new.</p>`);
  if (dropped.length > 0)
    told.push(
      html`<p>Answers that could not be delivered:</p><ul>${dropped
        .slice(0, 5)
        .map(
          ({ run, at, reason }) =>
            html`<li>${runLink(run, run)}${at !== null && html`, ${age(at, status.now)}`}: ${reason}</li>`,
        )}</ul>`,
    );
  return told.length === 0
    ? undefined
    : html`<section class="box" aria-labelledby="h-trouble"><h2 id="h-trouble" class="bad">Needs a look</h2>${told}</section>`;
}

function working(frame: Frame, look: Look, { harness, now }: AgentStatus): Markup {
  const { may, agent } = frame;
  return html`<section class="box" aria-labelledby="h-now"><h2 id="h-now">Now</h2>${
    harness.paused !== undefined &&
    html`<p class="warn">Paused by ${harness.paused.by}, ${age(harness.paused.since, now)}: nothing new is taken up.</p>`
  }${
    harness.running.length === 0
      ? empty("Idle: nothing is under way.")
      : harness.running.map(({ id }) => oneRun(look, id, now, may))
  }${may ? (harness.paused === undefined ? button("/pause", "Pause") : button("/resume", "Resume")) : whoMay(agent)}</section>`;
}

function oneRun(look: Look, id: string, now: number, may: boolean): Markup | undefined {
  const run = look.run(id);
  if (run === undefined) return undefined;
  const steps = look.steps(id, 6, 0);
  const { config } = look;
  return html`<p>${runLink(id, short(run.asked) || id)}<br>${run.kind} for ${look.name(run.author)}, began ${age(run.started_at, now)}, step ${run.steps}, ${money(run.usd)} of ${money(config.budget.run)} for one run${run.starts > 1 && html`, begun ${run.starts} times`}. From ${causeOf(look, run)}</p>${
    steps.length === 0 ? empty("It has only just begun.") : stepsTable(`Newest steps of ${id}`, steps, config.timezone)
  }${may && stopButton(id, run.asked)}`;
}

function waiting(look: Look, { harness, now }: AgentStatus): Markup {
  const queue = look.queued(10);
  return html`<section class="box" aria-labelledby="h-next"><h2 id="h-next">Next (${harness.waiting})</h2>${
    queue.length === 0
      ? empty("Nothing waits.")
      : html`<ol>${queue.map((entry) => html`<li>${look.name(entry.author)}, ${age(entry.received_at, now)}: ${short(entry.asked)}</li>`)}</ol>`
  }${harness.waiting > queue.length && html`<p>and ${harness.waiting - queue.length} more</p>`}${
    harness.undelivered > 0 && html`<p>${plural(harness.undelivered, "post")} to be delivered.</p>`
  }</section>`;
}

function today(look: Look, status: AgentStatus): Markup {
  const counts = look.today();
  const all = counts.reduce((sum, { n }) => sum + n, 0);
  const words = counts.map(({ state, n }) => `${n} ${state}`).join(", ");
  return html`<section class="box" aria-labelledby="h-today"><h2 id="h-today">Today</h2><p>${plural(all, "run")}${all > 0 && `: ${words}`}. ${money(status.spentToday)} of ${money(status.budgetDay)} spent, <a href="/costs">${money(Math.max(0, status.budgetDay - status.spentToday))} left</a>.</p></section>`;
}

function health(look: Look, status: AgentStatus): Markup {
  const { harness } = status;
  const { free, size } = look.disk();
  const failure = look.lastFailure();
  const connected = harness.chat === "connected";
  const facts: [string, Content][] = [
    [
      "Chat",
      html`<span class="${connected ? "good" : "bad"}">${connected && harness.caughtUpAt === undefined ? "connected, catching up" : harness.chat}</span>${
        harness.connectedAt !== undefined && html`, since ${age(harness.connectedAt, status.now)}`
      }`,
    ],
    ["Forge", forge(look, status)],
    ["Models", models(status)],
    ["Commands", tools(status.tools)],
    ["Version", status.build.slice(0, 8) || "from its sources"],
    [
      "Machine",
      look.config.hypervisor === undefined ? look.config.agent : `${look.config.agent} on ${look.config.hypervisor}`,
    ],
    ["Memory", `${status.memoryMb.toFixed(0)} MB`],
    ["Disk", `${(free / 1e9).toFixed(1)} GB free of ${(size / 1e9).toFixed(1)} GB`],
    ["Running since", html`${age(status.startedAt, status.now)} (${lasting(status.now - status.startedAt)})`],
    [
      "Last failure",
      failure === undefined
        ? "none on record"
        : html`${age(failure.at, status.now)}: ${runLink(failure.run, short(failure.outcome) || failure.run)}`,
    ],
  ];
  return html`<section class="box" aria-labelledby="h-health"><h2 id="h-health">Health</h2><dl>${facts.map(
    ([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`,
  )}</dl></section>`;
}

function models({ models: all, harness: { failing } }: AgentStatus): Content {
  return all.map((name, index) => {
    const why = failing.find(({ model }) => model === name)?.why;
    return html`${index > 0 && ", then "}${name}${why !== undefined && html` <span class="bad">${why}</span>`}`;
  });
}

function forge({ config }: Look, { forge: troubles = [] }: AgentStatus): Content {
  if (config.forge === undefined) return "not set up for this agent";
  const words = troubles.length === 0 ? "reachable" : "not reachable";
  return html`<span class="${troubles.length === 0 ? "good" : "bad"}">${words}</span> as ${config.forge.login}`;
}

function tools({ state, reason }: ToolsState): Content {
  const words = { none: "not this agent's work", starting: "starting", on: "in a sandbox", off: "none" }[state];
  return html`<span class="${state === "off" ? "bad" : "good"}">${words}</span>${reason !== undefined && html`: ${reason}`}`;
}
