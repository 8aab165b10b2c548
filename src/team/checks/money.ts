import { asList, asMap, budgetOf, type Draft, modelOf } from "../draft.ts";
import { listPrice } from "../prices.ts";
import type { Problem } from "../problems.ts";
import type { Path } from "../source.ts";

/** Agents without a model, models that cannot be called or paid for, and budgets that do not add up. */
export function checkMoney(draft: Draft): Problem[] {
  const shared = asList(draft.defaults.models);
  return [
    ...modelProblems(draft, ["defaults", "models"], shared),
    ...draft.section("agents").flatMap(([name, agent]): Problem[] => {
      const own = agent.models === undefined ? undefined : asList(agent.models);
      if ((own ?? shared).length === 0 && (own !== undefined || isAbsent(draft.defaults.models))) {
        return [
          {
            code: "E-TEAM-MODEL",
            path: own === undefined ? ["agents", name] : ["agents", name, "models"],
            part: "key",
            message: `${name} has no model to think with`,
            fix: "Give it `models`, or the whole team `defaults.models`.",
          },
        ];
      }
      return [
        ...modelProblems(draft, ["agents", name, "models"], own ?? []),
        ...uncovered(name, own === undefined ? ["defaults", "models"] : ["agents", name, "models"], own ?? shared),
      ];
    }),
    ...budgetProblems(draft),
  ];
}

/** Every agent answers in chat; without a model for that nobody would hear of it but by its silence. */
function uncovered(agent: string, path: Path, models: readonly unknown[]): Problem[] {
  const known = models.map(modelOf);
  if (known.length === 0 || known.some((model) => model === undefined || (model.for?.includes("chat") ?? true)))
    return [];
  const message = `none of ${agent}'s models is meant for chat`;
  return [{ code: "E-TEAM-MODEL", path, part: "key", message, fix: "Add chat to `for` of one, or leave `for` out." }];
}

function isAbsent(models: unknown): boolean {
  return models === undefined || (Array.isArray(models) && models.length === 0);
}

function modelProblems(draft: Draft, path: Path, models: readonly unknown[]): Problem[] {
  return models.flatMap((entry, index): Problem[] => {
    const model = modelOf(entry);
    if (model === undefined) return [];
    const at = [...path, index];
    const name = `${model.provider} ${model.model}`;
    const fail = (message: string, fix: string): Problem => ({ code: "E-TEAM-MODEL", path: at, message, fix });
    if (model.provider === "rehearsal") {
      const carried = draft.section("services").some(([, service]) => asList(service.services).includes("rehearsal"));
      return carried || model.baseUrl !== undefined
        ? []
        : [fail("no machine carries the rehearsal model", "Add rehearsal to the `services` of one of `services`.")];
    }
    const problems: Problem[] = [];
    const local = model.provider === "openai-compatible";
    if (local && model.baseUrl === undefined)
      problems.push(fail(`${name} has no address`, "Give it a baseUrl such as http://10.220.1.30:11434/v1."));
    if (model.price === undefined && listPrice(model) === undefined)
      problems.push(
        fail(
          `${name} has no price, so no budget could hold`,
          `Add price: {input: …, output: …}, US dollars per million tokens${local ? "; 0 for a server of your own" : ""}.`,
        ),
      );
    if (local && model.key === undefined && (model.price?.input ?? 0) + (model.price?.output ?? 0) > 0)
      problems.push(fail(`${name} costs money but names no key`, "Add key: a name; its secret is `models.<name>`."));
    return problems;
  });
}

function budgetProblems(draft: Draft): Problem[] {
  const shared = budgetOf(draft.defaults.budget);
  const agents = draft.section("agents").map(([name, agent]) => ({
    name,
    own: agent.budget !== undefined,
    budget: agent.budget === undefined ? shared : budgetOf(agent.budget),
  }));
  const problems: Problem[] = [];
  const single = [
    { path: ["defaults", "budget", "run"] as Path, budget: shared },
    ...agents.flatMap(({ name, own, budget }) => (own ? [{ path: ["agents", name, "budget", "run"], budget }] : [])),
  ];
  for (const { path, budget } of single) {
    if (budget === undefined) continue;
    const { run, day, runTokens = 0, dayTokens = Number.POSITIVE_INFINITY } = budget;
    if (run > day)
      problems.push({
        code: "E-TEAM-BUDGET",
        path,
        message: `one run may cost ${dollars(run)}, more than the day's ${dollars(day)}`,
        fix: `Write ${day} or less.`,
      });
    if (runTokens > dayTokens)
      problems.push({
        code: "E-TEAM-BUDGET",
        path: [...path.slice(0, -1), "runTokens"],
        message: `one run may take ${runTokens} tokens, more than the day's ${dayTokens}`,
        fix: `Write ${dayTokens} or less.`,
      });
  }

  const day = draft.policy?.budget.day ?? numberAt(draft.raw.policy);
  const sum = agents.reduce((total, { budget }) => total + (budget?.day ?? 0), 0);
  if (day !== undefined && sum > day + 1e-9) {
    problems.push({
      code: "E-TEAM-BUDGET",
      path: ["policy", "budget", "day"],
      message: `the agents' days sum to ${dollars(sum)}, the team's is ${dollars(day)}`,
      fix: `${agents.length} agents (${dayList(agents)}): lower one of them, or write ${Math.ceil(sum * 100) / 100}.`,
    });
  }
  return [...problems, ...tokenProblems(draft.policy?.budget.dayTokens, agents)];
}

/** A team's limit in tokens holds only where every agent has its share of it. */
function tokenProblems(
  day: number | undefined,
  agents: readonly { name: string; budget: { dayTokens?: number | undefined } | undefined }[],
): Problem[] {
  const path = ["policy", "budget", "dayTokens"];
  if (day === undefined) return [];
  const without = agents.filter(({ budget }) => budget !== undefined && budget.dayTokens === undefined);
  if (without.length > 0)
    return [
      {
        code: "E-TEAM-BUDGET",
        path,
        message: `the team's day has a limit in tokens, ${without.map(({ name }) => name).join(", ")} ${without.length === 1 ? "has" : "have"} none`,
        fix: "Add dayTokens to their budgets, or to `defaults.budget`.",
      },
    ];
  const sum = agents.reduce((total, { budget }) => total + (budget?.dayTokens ?? 0), 0);
  if (sum <= day) return [];
  return [
    {
      code: "E-TEAM-BUDGET",
      path,
      message: `the agents' days sum to ${sum} tokens, the team's is ${day}`,
      fix: `Lower one of them, or write ${sum}.`,
    },
  ];
}

function numberAt(policy: unknown): number | undefined {
  const day = asMap(asMap(policy).budget).day;
  return typeof day === "number" ? day : undefined;
}

function dayList(agents: readonly { name: string; budget: { day: number } | undefined }[]): string {
  const known = agents.filter(({ budget }) => budget !== undefined);
  const shown = known.slice(0, 8).map(({ name, budget }) => `${name} ${budget?.day}`);
  return known.length > 8 ? `${shown.join(", ")} and ${known.length - 8} more` : shown.join(", ");
}

function dollars(amount: number): string {
  return `$${amount.toFixed(2)}`;
}
