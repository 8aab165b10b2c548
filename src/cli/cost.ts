import { exitCodes, OlympusError } from "../base/errors.ts";
import { type CostGroup, type CostSum, costGroups, sumCosts, sumOf, teamCost } from "../status/cost.ts";
import { pricesFrom } from "../team/prices.ts";
import type { CliCommand } from "./command.ts";
import { table } from "./table.ts";

/** `olympus cost`: what model calls cost, by agent, model or day. */
export const command: CliCommand = {
  register(program, run) {
    program
      .command("cost")
      .argument("[agent...]", "only these")
      .option("--days <number>", "so many days, today included", "7")
      .option("--by <group>", `one line for each ${costGroups.join(", ")}`, "agent")
      .description(
        "what model calls cost, as the agents' journals have it; calls under way with the most they may cost",
      )
      .addHelpText(
        "before",
        "  npx olympus cost\n  npx olympus cost --by model --days 30\n  npx olympus cost athena --by day\n",
      )
      .action(
        run(async ({ reporter, loadTeam, signal }, names: string[], options: { days: string; by: string }) => {
          const days = daysOf(options.days);
          const by = groupOf(options.by);
          const team = await loadTeam();
          const { openSecrets } = await import("../../secrets/store.ts");
          const costs = await teamCost(team, await openSecrets(team), { days, names }, signal);
          const sums = sumCosts(costs, by);
          const away = costs.filter(({ unreached }) => unreached !== undefined);
          const all = sumOf(
            "together",
            costs.flatMap((cost) => cost.days),
          );
          const span = days === 1 ? "today" : `the last ${days} days`;
          const lines = [
            ...(sums.length === 0
              ? [`No model was called: ${span}.`]
              : [table(heads(by), [...sums, ...(sums.length > 1 ? [all] : [])].map(cells), [1, 2, 3, 4, 5, 6, 7])]),
            ...away.map(({ agent, unreached }) => `${agent}: not counted, ${unreached}`),
            ...(by === "day" || sums.length === 0 ? [] : [`Of ${span}.`]),
          ];
          reporter.result(lines.join("\n"), { type: "cost", days, by, sums, agents: costs, prices: pricesFrom });
          return away.length === 0 ? exitCodes.done : exitCodes.unreachable;
        }),
      );
  },
};

const heads = (by: CostGroup): string[] => [
  by,
  "dollars",
  "calls",
  "failed",
  "tokens in",
  "of them cached",
  "tokens out",
  "seconds a call",
];

function cells({ key, usd, calls, failed, inputTokens, cachedTokens, outputTokens, tookMs }: CostSum): string[] {
  const seconds = calls === 0 ? 0 : tookMs / calls / 1000;
  const counts = [calls, failed, inputTokens, cachedTokens, outputTokens].map(String);
  return [key, usd.toFixed(usd < 1 ? 4 : 2), ...counts, seconds.toFixed(1)];
}

function daysOf(text: string): number {
  const days = Number(text);
  if (Number.isInteger(days) && days >= 1 && days <= 366) return days;
  throw usage(`--days wants a whole number from 1 to 366, not ${text}`, "npx olympus cost --days 30");
}

function groupOf(text: string): CostGroup {
  const group = costGroups.find((one) => one === text);
  if (group !== undefined) return group;
  throw usage(`--by wants ${costGroups.join(", ")}, not ${text}`, "npx olympus cost --by model");
}

function usage(message: string, hint: string): OlympusError {
  return new OlympusError(message, { code: "E-USAGE", exit: exitCodes.usage, hint });
}
