import type { AgentStatus } from "./status.ts";

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as HTML. Everything that is not markup of this file goes through it. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}

export const stylesheet = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; } dd { margin: 0; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #8884; white-space: nowrap; }
.label { border: 1px solid; border-radius: .3rem; padding: 0 .4rem; font-size: .8rem; }
.good { color: #18794e; } .bad { color: #cd2b31; }
input, button { font: inherit; padding: .3rem .6rem; }
`;

function layout(title: string, body: string, refresh = false): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
${refresh ? '<meta http-equiv="refresh" content="10">' : ""}<title>${escapeHtml(title)}</title><link rel="stylesheet" href="/style.css"></head>
<body>${body}</body></html>`;
}

export function loginPage(agent: string, wrong: boolean): string {
  const message = wrong ? '<p class="bad" role="alert">This is not the token.</p>' : "";
  return layout(
    `${agent}: log in`,
    `<h1>${escapeHtml(agent)}</h1>${message}<form method="post" action="/login">
<p><label for="token">Dashboard token</label><br><input id="token" name="token" type="password" autocomplete="off" required autofocus></p>
<p><button>Log in</button></p></form>`,
  );
}

export function statusPage(status: AgentStatus): string {
  const { harness } = status;
  const facts: [string, string][] = [
    ["Team", escapeHtml(status.team)],
    ["Chat", chat(status)],
    ["Models", escapeHtml(status.models.join(", "))],
    ["Commands", tools(status)],
    ["Working on", harness.running.length === 0 ? "nothing" : `${harness.running.length} mention(s)`],
    ["Waiting", String(harness.waiting)],
    ["To be delivered", String(harness.undelivered)],
    ["Spent today", `$${status.spentToday.toFixed(4)} of $${status.budgetDay.toFixed(2)}`],
    ["Memory", `${status.memoryMb.toFixed(0)} MB`],
    ["Running since", time(status.startedAt)],
  ];
  const rows = status.runs.map(
    (run) =>
      `<tr><td>${time(run.started_at)}</td><td>${escapeHtml(run.kind)}</td><td>${escapeHtml(run.state)}</td><td>${escapeHtml(run.outcome ?? "")}</td>` +
      `<td>${run.ended_at === null ? "" : `${((run.ended_at - run.started_at) / 1000).toFixed(1)} s`}</td><td>$${run.usd.toFixed(4)}</td></tr>`,
  );
  const label = status.rehearsal ? ' <span class="label">rehearsal</span>' : "";
  return layout(
    `${status.agent}: status`,
    `<h1>${escapeHtml(status.agent)}${label}</h1>
<dl>${facts.map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`).join("")}</dl>
<h2>Last runs</h2>
${
  rows.length === 0
    ? "<p>None yet. Mention the agent in chat.</p>"
    : `<div class="scroll"><table><thead><tr><th>Began</th><th>Kind</th><th>State</th><th>Outcome</th><th>Took</th><th>Cost</th></tr></thead><tbody>${rows.join("")}</tbody></table></div>`
}
${droppedAnswers(status)}<form method="post" action="/logout"><p><button>Log out</button></p></form>`,
    true,
  );
}

function droppedAnswers({ dropped }: AgentStatus): string {
  if (dropped.length === 0) return "";
  const rows = dropped.map(
    ({ at, run, reason }) =>
      `<tr><td>${at === null ? "" : time(at)}</td><td>${escapeHtml(run)}</td><td class="bad">${escapeHtml(reason)}</td></tr>`,
  );
  return `<h2>Answers that could not be delivered</h2>
<div class="scroll"><table><thead><tr><th>Given up</th><th>Run</th><th>Why</th></tr></thead><tbody>${rows.join("")}</tbody></table></div>
`;
}

function tools({ tools: { state, reason } }: AgentStatus): string {
  const words = { none: "not this agent's work", starting: "starting", on: "in a sandbox", off: "none" }[state];
  return `<span class="${state === "off" ? "bad" : "good"}">${words}</span>${reason === undefined ? "" : `: ${escapeHtml(reason)}`}`;
}

function chat({ harness }: AgentStatus): string {
  const word =
    harness.chat === "connected" && harness.caughtUpAt === undefined ? "connected, catching up" : harness.chat;
  const reason = harness.reason === undefined ? "" : `: ${escapeHtml(harness.reason)}`;
  return `<span class="${harness.chat === "connected" ? "good" : "bad"}">${word}</span>${reason}`;
}

function time(at: number): string {
  const text = new Date(at).toISOString();
  return `<time datetime="${text}">${text.slice(0, 19).replace("T", " ")} UTC</time>`;
}
