import { type Content, html, type Markup } from "../../base/markup.ts";
import { dayBefore } from "../../harness/zone.ts";
import { count, money } from "../format.ts";
import { empty, type Frame, layout, part, table } from "../layout.ts";
import type { Look } from "../look.ts";
import { select } from "./runs.ts";

export const costDays = [7, 14, 30, 90] as const;

/** Spans up to this are listed day by day; longer ones would be pages of hundreds of rows. */
const mostListed = 14;

/** What models cost by day, model and cause, and what is left of today. */
export function costsPage(frame: Frame, look: Look, days: number): string {
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
    part("days", spent(look, days, budgetDay)),
  ]);
}

function spent(look: Look, days: number, budgetDay: number): Content {
  const perDay = look.cost(["day"], days);
  if (perDay.length === 0) return empty("No model was asked in these days.");
  const listed = days <= mostListed;
  const rows = listed
    ? look.cost(["day", "provider", "model", "kind"], days).reverse()
    : look.cost(["provider", "model", "kind"], days).map((row) => ({ day: `${days} days`, ...row }));
  const heads = ["Calls", "Failed", "Tokens in", "from cache", "out", "Cost"];
  return [
    plot(everyDay(look, perDay, days), budgetDay),
    table(
      "Costs by day, model and kind",
      [listed ? "Day" : "Together", "Model", "For", ...heads.map((head) => html`<span class="num">${head}</span>`)],
      rows.map(
        (row) =>
          html`<tr><td>${row.day}</td><td>${row.provider}/${row.model}</td><td>${row.kind}</td>${[
            row.calls,
            row.failed,
            row.inputTokens,
            row.cachedTokens,
            row.outputTokens,
          ].map((value) => html`<td class="num">${count(value)}</td>`)}<td class="num">${money(row.usd)}</td></tr>`,
      ),
    ),
  ];
}

interface Day {
  readonly day: string;
  readonly usd: number;
}

/** Every day of the span, oldest first, those without a call too. */
function everyDay(look: Look, perDay: readonly Day[], days: number): Day[] {
  const sums = new Map(perDay.map(({ day, usd }) => [day, usd]));
  // From here on days are names, one after the other: no clock is set forward or back between names.
  const first = Date.parse(dayBefore(look.now(), days - 1, look.config.timezone));
  return Array.from({ length: days }, (_, index) => {
    const day = new Date(first + index * 86_400_000).toISOString().slice(0, 10);
    return { day, usd: sums.get(day) ?? 0 };
  });
}

const width = 640;
const height = 140;
const floor = 110;

/** A bar a day, and the day's budget as a line where it is near enough to be seen. */
function plot(days: readonly Day[], budget: number): Markup {
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
