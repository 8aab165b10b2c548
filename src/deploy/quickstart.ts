import { openSecrets } from "../../secrets/store.ts";
import { type Reporter, withStep } from "../base/report.ts";
import { askAgent } from "../bootstrap/ask.ts";
import { ensureImage } from "../images/index.ts";
import { labUp } from "../lab/index.ts";
import { installPackages } from "../prerequisites/packages.ts";
import { whyUnreached } from "../status/reach.ts";
import { dashboardPort, dashboardUrl } from "../team/dashboard.ts";
import { forgePort } from "../team/forge.ts";
import type { LoadedTeam } from "../team/model.ts";
import { ensureTools } from "../toolchain/index.ts";
import { deploy } from "./deploy.ts";
import { type FlowResult, flowOf, runFlow } from "./flow.ts";
import type { QuickstartPlan } from "./quickstart-plan.ts";

export interface QuickstartResult {
  readonly answered: boolean;
  readonly agent: string;
  /** To the answered mention, the first success. */
  readonly elapsed_s: number;
  /** To the end. */
  readonly total_s: number;
  readonly mention_to_ack_ms: number;
  readonly mention_to_answer_ms: number;
  readonly changed: number;
  readonly urls: { readonly chat: string; readonly dashboard: string; readonly forge?: string };
  /** False where a browser finds no page at the chat's address: a server that was built here has the API alone. */
  readonly chat_page: boolean;
  /** What a mention became, where the team has a forge of its own to show it on. */
  readonly flow?: FlowResult;
}

/** Everything from Debian packages to the first answered mention, and on to what a mention can become. Each step does nothing where its work is done already. */
export async function quickstart(
  plan: QuickstartPlan,
  { reporter, signal }: { reporter: Reporter; signal: AbortSignal },
): Promise<{
  result: QuickstartResult;
  answer: string;
  team: LoadedTeam;
}> {
  const started = Date.now();
  const names = ["packages", "tools", "lab", "images", "machines", "roles", "chat", "agents", "probe", "first mention"];
  if (plan.merges) names.push("colleagues", "merged work");
  const label = (name: string): string =>
    `${String(names.indexOf(name) + 1).padStart(2)}/${names.length} ${name.padEnd(14)}`;
  let changed = plan.missing.length;

  await withStep(reporter, label("packages"), async (step) => {
    await installPackages(plan.missing, step, signal);
    return {
      value: undefined,
      summary: plan.missing.length === 0 ? "as they were" : `${plan.missing.length} installed`,
    };
  });
  await withStep(reporter, label("tools"), async () => {
    await ensureTools({ reporter, signal });
    return { value: undefined, summary: "ready" };
  });
  const team = await withStep(reporter, label("lab"), async (step) => {
    const { teamFile } = plan;
    const lab = await labUp({ reporter, step, signal, ...(teamFile === undefined ? {} : { teamFile }) });
    changed += lab.changes.length;
    const names = lab.team.hypervisors.map(({ name }) => name).join(", ");
    return { value: lab.team, summary: lab.changes.length === 0 ? "as it was" : `hypervisors ${names}` };
  });
  const secrets = await openSecrets(team);
  await withStep(reporter, label("images"), async () => {
    const names = [...new Set(team.machines.map(({ image }) => image))];
    for (const name of names) await ensureImage(name, { reporter, signal });
    return { value: undefined, summary: names.join(", ") };
  });
  const agents = Object.keys(team.team.agents);
  const agent = agents[0]!;
  // The first answer does not wait for machines that it does not take. A lab that stands is looked over once.
  const later = plan.merges && !plan.standing ? agents.slice(1) : [];
  const first = team.machines.map(({ name }) => name).filter((name) => !later.includes(name));
  changed += (await deploy({ team, secrets, hosts: first, what: "quickstart", reporter, signal, label })).changed;

  const asked = await withStep(reporter, label("first mention"), async (step) => {
    step.update(`@${agent}, who are you?`);
    const value = await askAgent({ team, secrets, agent, text: `@${agent}, who are you?`, waitMs: 60_000, signal });
    return { value, summary: `answered in ${(value.answerMs / 1000).toFixed(1)} s` };
  });
  const seconds = (): number => Math.round((Date.now() - started) / 100) / 10;
  const elapsed_s = seconds();
  const urls = publishedUrls(team);
  if (later.length > 0) {
    const beside = (name: string): string => `${label("colleagues")} ${name}`;
    changed += (await deploy({ team, secrets, hosts: later, what: "quickstart", reporter, signal, label: beside }))
      .changed;
  }
  const planned = flowOf(team);
  const flow =
    planned &&
    (await withStep(reporter, label("merged work"), async (step) => {
      const value = await runFlow(planned, { team, secrets, step, signal });
      const how = value.elapsed_s === 0 ? "as it was" : `merged after ${value.elapsed_s.toFixed(0)} s`;
      // Where this computer and, through SSH, others see the same.
      const seen = (url: string): string => url.replace(planned.forge, urls.forge ?? planned.forge);
      return { value: { ...value, issue: seen(value.issue), pull: seen(value.pull) }, summary: how };
    }));
  if (flow !== undefined && flow.elapsed_s > 0) changed += 1;
  const [chat] = await Promise.all([urls.chat, urls.dashboard].map((url) => look(url, reporter, signal)));
  return {
    answer: asked.answer,
    team,
    result: {
      answered: true,
      agent,
      elapsed_s,
      total_s: seconds(),
      mention_to_ack_ms: asked.ackMs,
      mention_to_answer_ms: asked.answerMs,
      changed,
      urls,
      chat_page: chat !== false,
      ...(flow === undefined ? {} : { flow }),
    },
  };
}

/** Addresses on this computer, as the lab publishes them; empty for what it does not. */
function publishedUrls(team: LoadedTeam): QuickstartResult["urls"] {
  const published = Object.entries(team.team.lab?.publish ?? {});
  const find = (port: number): string => {
    const entry = published.find(([, target]) => target.endsWith(`:${port}`));
    if (entry === undefined) return "";
    const agent = team.machines.find(({ address }) => entry[1] === `${address}:${dashboardPort}`);
    const scheme = agent === undefined ? "http" : dashboardUrl(agent).split(":")[0];
    return `${scheme}://127.0.0.1:${entry[0]}`;
  };
  const forge = find(forgePort);
  return { chat: find(8065), dashboard: find(dashboardPort), ...(forge === "" ? {} : { forge }) };
}

/** Whether there is a page; undefined where nothing answers, and then says so: only addresses that answer are worth printing. */
async function look(url: string, reporter: Reporter, signal: AbortSignal): Promise<boolean | undefined> {
  if (url === "") return undefined;
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(5_000)]);
    const answer = await fetch(url, { signal: limit, redirect: "manual" });
    await answer.body?.cancel();
    return answer.status < 400;
  } catch (error) {
    signal.throwIfAborted();
    reporter.warn(`${url} does not answer (${whyUnreached(error, new URL(url).host, 5)}): npx olympus lab status`);
    return undefined;
  }
}
