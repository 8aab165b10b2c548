import { type Frame, layout } from "../layout.ts";
import type { Look } from "../look.ts";
import { html } from "../markup.ts";

/** Decisions that only named people may take, and who waits for whom. */
export function gatesPage(frame: Frame, look: Look): string {
  const approvers = look.config.chat.people.filter(({ approve }) => approve.length > 0);
  return layout(frame, "/gates", "Gates", [
    html`<p class="soft">Nothing waits for anybody. What ${frame.agent} does now, answers and commands in its sandbox, needs nobody's approval.</p>`,
    html`<h2>Who may open gates</h2>`,
    approvers.length === 0
      ? html`<p class="soft">Nobody is named. In the team file: <code>people.NAME.approve</code></p>`
      : html`<dl>${approvers.map(({ name, approve }) => html`<dt>${name}</dt><dd>${approve.join(", ")}</dd>`)}</dl>`,
  ]);
}
