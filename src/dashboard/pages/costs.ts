import type { KindCost } from "../../harness/store/look-sums.ts";
import { dayBefore } from "../../harness/zone.ts";
import { count, money } from "../format.ts";
import { empty, type Frame, layout, part, table } from "../layout.ts";
import type { Look } from "../look.ts";
import { html, type Markup } from "../markup.ts";
import { select } from "./runs.ts";

export const costDays = [7, 14, 30, 90] as const;

/** What models cost by day, model and cause, and what is left of today. */
export function costsPage(frame: Frame, look: Look, days: number): string {
  const rows = look.costByKind(days);
  const { budgetDay, spentToday } = look.status();
  const left = Math.max(0, budgetDay - spentToday);
  return layout(frame, "/costs", "Costs", [
    part("left", [
      html`<p>Today ${money(spentToday)} of ${money(budgetDay)}: <strong class="${left === 0 ? "bad" : "good"}">${money(left)} left</strong>. One run may cost ${money(look.config.budget.run)}.</p>`,
    ]),
    html`<form class="filter" method="get" action="/costs">${select(
      "days",
      "Show",
      costDays.map((value) => [String(value), `${value} days`] as const),
      String(days),
      "",
    )}<p><button>Show</button></p></form>`,
    part(
      "days",
      rows.length === 0
        ? empty("No model was asked in these days.")
        : [
            plot(byDay(look, rows, days), budgetDay),
            table(
              "Costs by day, model and kind",
              [
                "Day",
                "Model",
                "For",
                ...["Calls", "Failed", "Tokens in", "from cache", "out", "Cost"].map(
                  (head) => html`<span class="num">${head}</span>`,
                ),
              ],
              rows.map(
                (row) =>
                  html`<tr><td>${row.day}</td><td>${row.provider}/${row.model}</td><td>${row.kind}</td>${[
                    row.calls,
                    row.failed,
                    row.inputTokens,
                    row.cachedTokens,
                    row.outputTokens,
                  ].map(
                    (value) => html`<td class="num">${count(value)}</td>`,
                  )}<td class="num">${money(row.usd)}</td></tr>`,
              ),
            ),
          ],
    ),
  ]);
}

/** Every day of the span, oldest first, those without a call too. */
function byDay(look: Look, rows: readonly KindCost[], days: number): { day: string; usd: number }[] {
  const sums = new Map<string, number>();
  for (const { day, usd } of rows) sums.set(day, (sums.get(day) ?? 0) + usd);
  return Array.from({ length: days }, (_, index) => {
    const day = dayBefore(look.now(), days - 1 - index, look.config.timezone);
    return { day, usd: sums.get(day) ?? 0 };
  });
}

const width = 640;
const height = 140;
const floor = 110;

/** A bar a day, and the day's budget as a line where it is near enough to be seen. */
function plot(days: readonly { day: string; usd: number }[], budget: number): Markup {
  const dearest = days.reduce((a, b) => (b.usd > a.usd ? b : a));
  const top = Math.max(dearest.usd * 1.15, budget <= dearest.usd * 4 ? budget * 1.15 : 0, 0.0001);
  const step = width / days.length;
  const heightOf = (usd: number): number => (usd / top) * floor;
  const said = `Cost a day, ${days[0]!.day} to ${days.at(-1)!.day}: dearest ${dearest.day} with ${money(dearest.usd)}. The table below has the figures.`;
  return html`<svg role="img" aria-label="${said}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">${days.map(
    ({ day, usd }, index) =>
      html`<rect class="bar" x="${(index * step + 1).toFixed(1)}" y="${(floor + 10 - heightOf(usd)).toFixed(1)}" width="${Math.max(1, step - 2).toFixed(1)}" height="${heightOf(usd).toFixed(1)}"><title>${day}: ${money(usd)}</title></rect>`,
  )}${
    budget <= top &&
    html`<line class="left" x1="0" x2="${width}" y1="${(floor + 10 - heightOf(budget)).toFixed(1)}" y2="${(floor + 10 - heightOf(budget)).toFixed(1)}"/><text x="2" y="${(floor + 7 - heightOf(budget)).toFixed(1)}">budget ${money(budget)}</text>`
  }<text x="0" y="${height - 6}">${days[0]!.day}</text><text x="${width}" y="${height - 6}" text-anchor="end">${days.at(-1)!.day}</text></svg>`;
}
