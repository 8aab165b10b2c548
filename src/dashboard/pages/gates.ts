import { html, type Markup } from "../../base/markup.ts";
import { aboutGate, type Gate, isAsked } from "../../harness/gates/gate.ts";
import { waitsFor } from "../../harness/gates/people.ts";
import { age, lasting } from "../format.ts";
import { empty, type Frame, layout, part, table } from "../layout.ts";
import type { Look } from "../look.ts";
import { forgeLink, postLink } from "./links.ts";
import { button, fitting, pager, runLink } from "./parts.ts";

/** Decisions that only named people may take, and who waits for whom. */
export function gatesPage(frame: Frame, look: Look, skip: number): string {
  const approvers = look.config.chat.people.filter(({ approve }) => approve.length > 0);
  const gates = look.gates();
  const shown = fitting(gates.slice(skip), (gate) => row(frame, look, gate));
  return layout(frame, "/gates", "Gates", [
    part("gates", [
      gates.length === 0
        ? empty("Nothing waits for anybody.")
        : table("Gates", ["What", "Commit", "Waits for", "Since", "Ends", "Wanted by", "Decide"], shown),
      pager("/gates", { skip, shown: shown.length, all: gates.length }, ["Further", "Before"]),
    ]),
    html`<p class="soft">Opened here, in the chat by a reaction or <code>!approve</code>, or by a review: each is bound to one commit, or where there is none to the run that asked; whoever wrote a change cannot open its gate.</p>`,
    html`<h2>Who may open gates</h2>`,
    approvers.length === 0
      ? html`<p class="soft">Nobody is named. In the team file: <code>people.NAME.approve</code></p>`
      : html`<dl>${approvers.map(({ name, approve }) => html`<dt>${name}</dt><dd>${approve.join(", ")}</dd>`)}</dl>`,
  ]);
}

function row(frame: Frame, look: Look, gate: Gate): Markup {
  const who = waitsFor(look.config, gate);
  const open = gate.lenses.filter((lens) => !gate.overruled.includes(lens));
  const over = frame.now >= gate.expiresAt;
  const waits =
    gate.state === "open"
      ? `nobody: ${gate.openedBy} opened it`
      : over
        ? "nobody: it has expired"
        : gate.state === "waiting"
          ? `reviews through ${open.join(", ")}`
          : `${who.join(", ") || "nobody who may"} (${gate.kinds.join(", ")})`;
  const mine = frame.acts && isAsked(gate, frame.now) && frame.person !== undefined && who.includes(frame.person);
  const thread = postLink(look, "its thread", gate.place?.rootId);
  const path = `/gates/${encodeURIComponent(gate.id)}`;
  return html`<tr><td class="text">${forgeLink(look, aboutGate(gate), gate, "pull")}${thread !== undefined && html` · ${thread}`}${gate.question && html`<pre>${gate.question}</pre>`}</td><td>${gate.commit === "" ? "of no commit" : html`<code>${gate.commit.slice(0, 10)}</code>`}</td><td class="text">${waits}</td><td>${age(gate.createdAt, frame.now)}</td><td>${over ? age(gate.expiresAt, frame.now) : `in ${lasting(gate.expiresAt - frame.now)}`}</td><td>${runLink(gate.run, "the run")}</td><td>${mine && [button(`${path}/approve`, "Approve"), button(`${path}/refuse`, "Refuse", "Closes it for good: another commit gets another gate.")]}</td></tr>`;
}
