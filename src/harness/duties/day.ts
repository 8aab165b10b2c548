import { ForgeError, type ForgeIssue } from "../forge-port.ts";
import { spentSince } from "../store/steps.ts";
import type { ForgeParts } from "../tasks/parts.ts";
import { visible } from "../visible.ts";
import { dayName } from "../zone.ts";
import { type OpenWork, openWork } from "./open-work.ts";
import { waitsForPerson } from "./stale.ts";

/** Entries that one line names. */
const mostNamed = 10;
/** Issues whose end is looked at, a repository. */
const mostEnded = 50;

interface Happened {
  readonly merged: ForgeIssue[];
  readonly closed: ForgeIssue[];
  readonly opened: ForgeIssue[];
}

/** What happened since a time (ms), from the forge and from what this agent wrote down; no model is asked. */
export async function dayText(parts: ForgeParts, since: number, now: number): Promise<string> {
  const { settings, config } = parts;
  const happened: Happened = { merged: [], closed: [], opened: [] };
  const work: OpenWork[] = [];
  const unseen: string[] = [];
  for (const { name } of settings.repositories) {
    try {
      work.push(...(await openWork(parts, name)));
      await addTo(happened, parts, name, since);
    } catch (error) {
      if (!(error instanceof ForgeError) || error.kind === "retry") throw error;
      unseen.push(`- ${name} could not be looked at`);
    }
  }
  const many = settings.repositories.length > 1;
  const line = (what: string, issues: readonly ForgeIssue[]) =>
    issues.length === 0 ? [] : [`- ${what}: ${named(issues.map((issue) => linkOf(issue, many)))}`];
  const [people, rest] = [work.filter(waitsForPerson), work.filter((one) => !waitsForPerson(one))];
  const under = rest.filter(({ holder }) => holder !== undefined);
  const nameOf = (login: string) =>
    [{ name: config.agent, login: settings.login }, ...settings.agents].find((one) => one.login === login)?.name ??
    login;
  const own = ownLine(parts, since);
  const lines = [
    ...line("Merged", happened.merged),
    ...line("Closed", happened.closed),
    ...line("Opened", happened.opened),
    ...(own === undefined ? [] : [own]),
  ];
  const open = [
    ...(under.length === 0
      ? []
      : [`- In work: ${named(under.map(({ issue, holder }) => `${linkOf(issue, many)} (${nameOf(holder!)})`))}`]),
    ...line(
      "Waiting for a person",
      people.map(({ issue }) => issue),
    ),
    ...line(
      "Taken up by nobody",
      rest.filter(({ holder }) => holder === undefined).map(({ issue }) => issue),
    ),
  ];
  const happenings = lines.length === 0 ? ["Nothing happened."] : lines;
  return [`**The day, ${dayName(now, config.timezone)}**`, ...happenings, ...open, ...unseen].join("\n");
}

async function addTo(to: Happened, parts: ForgeParts, repo: string, from: number): Promise<void> {
  const { forge } = parts;
  // The forge's times are whole seconds.
  const since = Math.floor(from / 1000) * 1000;
  let ended = 0;
  const changed = (await forge.changed(repo, since, true)) ?? [];
  for (const issue of changed.filter(({ updatedAt }) => updatedAt >= since)) {
    if (!issue.isPull && issue.createdAt >= since) to.opened.push(issue);
    if (issue.open || ++ended > mostEnded) continue;
    // What was only talked about after its end did not end today.
    const closed = (await forge.events(repo, issue.number)).findLast(({ kind }) => kind === "closed");
    if (closed === undefined || closed.at < since) continue;
    if (!issue.isPull) to.closed.push(issue);
    else if ((await forge.pull(repo, issue.number)).state === "merged") to.merged.push(issue);
  }
}

/** What this agent did itself. */
function ownLine({ store }: ForgeParts, since: number): string | undefined {
  const { runs } = store.get<{ runs: number }>("SELECT count(*) AS runs FROM runs WHERE started_at >= ?", since)!;
  const { refused } = store.get<{ refused: number }>(
    "SELECT count(*) AS refused FROM audit WHERE kind = 'refusal' AND entry ->> 'at' >= ?",
    new Date(since).toISOString(),
  )!;
  if (runs === 0 && refused === 0) return undefined;
  const { usd } = spentSince(store, since);
  return `- My own: ${runs} runs, $${usd.toFixed(2)}${refused === 0 ? "" : `, ${refused} things refused (see the audit log)`}`;
}

function named(entries: readonly string[]): string {
  const more = entries.length - mostNamed;
  return [...entries.slice(0, mostNamed), ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
}

/** Titles are anybody's: they call nobody, format nothing and lead nowhere. */
function linkOf({ number, title, url }: ForgeIssue, withRepo: boolean): string {
  const [, repo] = /\/([\w.-]+\/[\w.-]+)\/(?:issues|pull)\/\d+$/.exec(url) ?? [];
  const plain = visible(title)
    .replace(/[[\]()`*_~<>|#\\]/g, " ")
    .replace(/@/g, "@\u200b")
    .replace(/:\/\//g, ": //")
    .replace(/\s+/g, " ")
    .trim();
  const short = [...plain].length > 80 ? `${[...plain].slice(0, 79).join("")}…` : plain;
  return `[${withRepo && repo !== undefined ? repo : ""}#${number}](${url}) ${short}`;
}
