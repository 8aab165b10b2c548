import { type Content, html, type Markup } from "../base/markup.ts";

/** What every page shows around its own. */
export interface Frame {
  readonly agent: string;
  readonly team: string;
  readonly rehearsal: boolean;
  readonly now: number;
  /** Whose session it is; undefined for a token without a person. */
  readonly person: string | undefined;
  /** Whether this person may do something here: open gates that wait for her, at least. */
  readonly acts: boolean;
  /** Whether she may change work and memory. */
  readonly may: boolean;
}

export const pages = [
  ["/", "Now"],
  ["/runs", "Runs"],
  ["/conversations", "Conversations"],
  ["/memory", "Memory"],
  ["/costs", "Costs"],
  ["/gates", "Gates"],
  ["/log", "Log"],
  ["/settings", "Persona and settings"],
] as const;

/** A whole page: `title` and what its body holds. */
export function documentOf(title: string, body: Markup): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><link rel="icon" href="/icon.svg"><link rel="stylesheet" href="/style.css"><script src="/app.js" defer></script></head>
<body>${body}</body></html>`.toString();
}

/** A page of somebody who is signed in. `place` is the entry of the navigation that it belongs to; `live` names the events that it follows. */
export function layout(
  frame: Frame,
  place: string,
  title: string,
  body: Content,
  live: string | false = "step run state",
): string {
  const { agent, team, rehearsal, now, person } = frame;
  return documentOf(
    `${agent}: ${title}`,
    html`<a class="skip" href="#main">To the content</a>
<header><p class="who">${agent}</p><p>${team}</p>${rehearsal && html`<p class="label">rehearsal</p>`}<p id="state" role="status">as of now</p></header>
<nav aria-label="Pages"><ul>${pages.map(
      ([path, name]) => html`<li><a href="${path}"${path === place && html` aria-current="page"`}>${name}</a></li>`,
    )}</ul></nav>
<div id="live" role="status" hidden></div>
<main id="main" tabindex="-1"${live && html` data-live="${live}" data-now="${now}"`}><h1>${title}</h1>${body}</main>
<footer><span>${person === undefined ? "Signed in with a token, as nobody in particular: read only" : html`Signed in as ${person}`}</span>
<form method="post" action="/logout"><button>Sign out</button></form></footer>`,
  );
}

/** A page of nobody yet. */
export function bareLayout(title: string, body: Content): string {
  return documentOf(title, html`<main id="main"><h1>${title}</h1>${body}</main>`);
}

/** A link to another server, which is not told from where; the words alone where the address is none of the web. */
export function away(words: Content, url: string): Content {
  return /^https?:\/\//.test(url) ? html`<a rel="noreferrer" href="${url}">${words}</a>` : words;
}

/** A part that the script replaces when it changed. The name is the dashboard's own, one a page. */
export function part(name: string, body: Content): Markup {
  return html`<div data-part="${name}">${body}</div>`;
}

/** What an empty list says: why it is empty, and what to do. */
export function empty(words: Content): Markup {
  return html`<p class="soft">${words}</p>`;
}

/** A table that scrolls by itself on a narrow screen, reachable by keyboard. */
export function table(label: string, heads: readonly Content[], rows: readonly Markup[]): Markup {
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0"><table><thead><tr>${heads.map(
    (head) => html`<th scope="col">${head}</th>`,
  )}</tr></thead><tbody>${rows}</tbody></table></div>`;
}
