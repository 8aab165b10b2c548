import { html, type Markup } from "../../base/markup.ts";
import { empty, type Frame, layout, part } from "../layout.ts";
import type { Look, Said } from "../look.ts";
import { pager, runLink, runPlace, said, short } from "./parts.ts";

const aPage = 20;
/** Characters of one message: what a tool printed is cut to as much already. */
const mostCharacters = 10_000;

/** What harness and model said to one another in a run, tools and what they gave included, the newest last; undefined when there is no such run. */
export function messagesPage(frame: Frame, look: Look, id: string, skip: number): string | undefined {
  const run = look.run(id);
  if (run === undefined) return undefined;
  const { messages } = look.kept(id);
  const shown = look.messages(id, aPage, skip);
  return layout(frame, "/runs", `Messages of ${short(run.asked, 40) || id}`, [
    html`<p>${runLink(id, "Back to the run")}</p>`,
    part("messages", [
      shown.length === 0
        ? empty("None are kept: a model was not asked with tools, or newer runs took their place.")
        : shown.map(message),
      pager(`${runPlace(id)}/messages`, { skip, aPage, all: messages }),
    ]),
  ]);
}

function message({ part: of, role, text, calls, of: tool }: Said): Markup {
  const who = tool === null ? role : `${role} ${tool}`;
  const asked = calls.map(({ name, input }) => `${name} ${JSON.stringify(input, null, 1)}`);
  return html`<details><summary>${of}, ${who}: ${short(text, 80)}${asked.length > 0 && html` <code>${short(asked.join("; "), 80)}</code>`}</summary>${said(text, mostCharacters)}${asked.map(
    (call) => html`<pre>${call.slice(0, mostCharacters)}</pre>`,
  )}</details>`;
}
