import { type Content, html, type Markup } from "../base/markup.ts";
import { age, lasting, money, plural } from "../dashboard/format.ts";
import { away, documentOf, empty, part, table } from "../dashboard/layout.ts";
import { machinesOf, worstFirst } from "./lines.ts";
import type { HostStatus } from "./status.ts";
import type { Seen } from "./team-watch.ts";

/** What the team's page shows. `hosts` are all of the team file, in its order; who did not answer yet has nothing in `seen`. */
export interface TeamView {
  readonly team: string;
  readonly now: number;
  readonly hosts: readonly string[];
  readonly seen: ReadonlyMap<string, Seen>;
  /** Where the chat is; undefined where the team has none. */
  readonly chat: string | undefined;
  /** Where the agents' own dashboards are, by name. */
  readonly dashboards: ReadonlyMap<string, string>;
  /** Where the team's repositories are seen, by `owner/name`. */
  readonly repositories: ReadonlyMap<string, string>;
}

const tone = { fine: "good", attention: "warn", broken: "bad", unreachable: "bad" } as const;

/** Who needs somebody, then everybody. */
export function teamPage(view: TeamView): string {
  const { team, now, hosts, seen, chat, repositories } = view;
  const known = worstFirst(hosts.flatMap((name) => seen.get(name)?.status ?? []));
  const needy = known.filter(({ state }) => state !== "fine");
  const asked = hosts.filter((name) => !seen.has(name));
  return documentOf(
    `${team}: the team`,
    html`<a class="skip" href="#main">To the content</a>
<header><p class="who">${team}</p>${chat !== undefined && html`<p>${away("the chat", chat)}</p>`}${[...repositories].map(([name, url]) => html`<p>${away(name, url)}</p>`)}<p id="state" role="status">as of now</p></header>
<div id="live" role="status" hidden></div>
<main id="main" tabindex="-1" data-live="state" data-now="${now}"><h1>The team</h1>${part("needy", [
      html`<section class="box" aria-labelledby="h-needy"><h2 id="h-needy">Needs somebody</h2>${
        needy.length > 0
          ? html`<ul>${needy.map(needs)}</ul>`
          : empty(known.length === 0 ? "Asking everybody …" : `Nothing: ${known.length} of ${hosts.length} are fine.`)
      }${asked.length > 0 && known.length > 0 && html`<p class="soft">No answer yet: ${asked.join(", ")}</p>`}${drift(known)}</section>`,
    ])}${part("agents", agents(view))}${part("machines", machines(view))}</main>
<footer><span>Asked again and again from this computer, while this page's command runs.</span>
<form method="post" action="/logout"><button>Sign out</button></form></footer>`,
  );
}

function needs({ name, state, detail, next }: HostStatus): Markup {
  return html`<li><strong>${name}</strong> <span class="${tone[state]}">${state}</span>: ${detail}${next !== "" && html` <code>${next}</code>`}</li>`;
}

function drift(known: readonly HostStatus[]): Markup | undefined {
  if (known.length === 0) return undefined;
  if (known.every((status) => status.drift === undefined))
    return html`<p class="soft">Nobody looked for drift from this computer yet: <code>npx olympus role check</code></p>`;
  const drifted = known.flatMap(({ name, drift: { pending } = { pending: 0 } }) => (pending > 0 ? [name] : []));
  const words = drifted.length === 0 ? "none" : html`<span class="warn">${drifted.join(", ")}</span>`;
  return html`<p>Drift: ${words}</p>`;
}

function driftCell({ drift: found }: HostStatus, now: number): Content {
  if (found === undefined) return "nobody looked";
  const words = found.pending === 0 ? "none" : html`<span class="warn">${plural(found.pending, "change")}</span>`;
  return html`${words}, ${age(found.at, now)}`;
}

function agents({ hosts, seen, now, dashboards }: TeamView): Content {
  const rows = hosts.flatMap((name) => {
    const status = seen.get(name)?.status;
    return status?.kind === "agent" ? [status] : [];
  });
  if (rows.length === 0) return undefined;
  const heads = ["Agent", "State", "Working", "Waiting", "Today", "Version", "Up", "Memory"];
  return [
    html`<h2>Agents</h2>`,
    table(
      "Agents",
      heads,
      rows.map(({ name, state, agent }) => {
        const facts = agent && [
          agent.working,
          agent.waiting,
          `${money(agent.spentToday)} of ${money(agent.budgetDay)}`,
          agent.build.slice(0, 8),
          lasting(now - agent.startedAt),
          `${agent.memoryMb.toFixed(0)} MB${agent.rehearsal ? ", rehearsal" : ""}`,
        ];
        const page = dashboards.get(name);
        return html`<tr><th scope="row">${page === undefined ? name : away(name, page)}</th><td><span class="${tone[state]}">${state}</span></td>${(facts ?? Array<string>(6).fill("?")).map((fact) => html`<td>${fact}</td>`)}</tr>`;
      }),
    ),
    html`<p class="soft">A name leads to the agent's own page; a link that signs in there, to look closer and to stop or approve: <code>npx olympus open AGENT --person YOU</code></p>`,
  ];
}

function machines({ hosts, seen, now }: TeamView): Content {
  const onHypervisor = machinesOf([...seen.values()].map(({ status }) => status));
  return [
    html`<h2>Hosts</h2>`,
    table(
      "Hosts",
      ["Host", "State", "Says", "Machine", "Drift", "Asked"],
      hosts.map((name) => {
        const one = seen.get(name);
        return html`<tr><th scope="row">${name}</th><td>${one === undefined ? "asking" : html`<span class="${tone[one.status.state]}">${one.status.state}</span>`}</td><td class="text">${one?.status.detail}</td><td>${onHypervisor.get(name) ?? (one?.status.kind === "hypervisor" ? "hypervisor" : "")}</td><td>${one !== undefined && driftCell(one.status, now)}</td><td>${one !== undefined && age(one.at, now)}</td></tr>`;
      }),
    ),
  ];
}
