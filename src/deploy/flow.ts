import { setTimeout as pause } from "node:timers/promises";
import type { SecretStore } from "../../secrets/store.ts";
import { exitCodes, OlympusError } from "../base/errors.ts";
import type { Step } from "../base/report.ts";
import { peopleOnForge, playedForge } from "../team/forge.ts";
import type { LoadedTeam } from "../team/model.ts";
import { type PersonInChat, personInChat } from "./flow-chat.ts";
import { PersonOnForge, type SeenPull } from "./flow-forge.ts";

/** Who does what when a team on a forge of its own shows its work. */
export interface FlowPlan {
  readonly forge: string;
  readonly repository: string;
  /** Is asked for the issue. */
  readonly agent: string;
  /** Asks, and approves. */
  readonly person: string;
  readonly login: string;
}

export interface FlowResult {
  readonly merged: true;
  readonly repository: string;
  /** Addresses on the forge. */
  readonly issue: string;
  readonly pull: string;
  readonly approved_by: string;
  /** The post that it began with, where that was now. */
  readonly thread?: string;
  /** From the mention to the merge; 0 where it was merged before. */
  readonly elapsed_s: number;
}

/** What the team can show: a repository of its own forge, somebody who works on it, somebody else to review, a person who may approve. */
export function flowOf(team: LoadedTeam): FlowPlan | undefined {
  const forge = playedForge(team);
  const repository = Object.keys(team.team.repositories)[0];
  const agents = team.machines.filter(({ agent }) => agent?.runtime === "harness");
  const person = peopleOnForge(team).find(({ person: name }) => {
    const { command, approve } = team.team.people[name]!;
    return command && approve.includes("merge");
  });
  const develops = agents.some(({ agent }) => agent!.duties.includes("development"));
  if (forge === undefined || repository === undefined || person === undefined || !develops || agents.length < 2)
    return undefined;
  return { forge, repository, agent: agents[0]!.name, ...person };
}

/** How long the whole of it may take; emulated machines are slow. */
const patienceMs = 15 * 60_000;

interface Around {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  readonly step: Step;
  readonly signal: AbortSignal;
}

/**
 * A mention becomes an issue, the issue a pull request, reviewed and merged: the agents do it, the person asks and approves. What was begun
 * before is gone on with, what was merged before stays the answer. Throws E-FLOW when a step does not come, E-CHAT-NO-ANSWER.
 */
export async function runFlow(
  plan: FlowPlan,
  { team, secrets, step, signal }: Around,
  chat: PersonInChat = personInChat(team, secrets, plan.person, signal),
): Promise<FlowResult> {
  const { forge, repository, agent, person, login } = plan;
  const seen = new PersonOnForge(forge, repository, secrets.require(`people.${person}.github`), signal);
  const started = Date.now();
  const until = async <T>(what: string, look: () => Promise<T | undefined>): Promise<T> => {
    step.update(what);
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (Date.now() - started > patienceMs) throw notComing(plan, what);
      await pause(1_000, undefined, { signal });
    }
  };
  const ended = async ({ head, html_url }: SeenPull, thread?: string): Promise<FlowResult> => ({
    merged: true,
    repository,
    issue: (await seen.issues()).find(({ number }) => head.ref === `olympus/issue-${number}`)?.html_url ?? "",
    pull: html_url,
    approved_by: person,
    ...(thread === undefined ? {} : { thread }),
    elapsed_s: Math.round((Date.now() - started) / 100) / 10,
  });
  const own = async (): Promise<SeenPull[]> =>
    (await seen.pulls()).filter(({ head }) => head.ref.startsWith("olympus/issue-"));

  const before = await own();
  const merged = before.find(({ merged_at }) => merged_at !== null);
  if (merged !== undefined) return { ...(await ended(merged)), elapsed_s: 0 };
  const underWay = before.some(({ state }) => state === "open") || (await seen.issues()).some(isOpen);
  let thread: string | undefined;
  if (!underWay) {
    step.update(`@${agent} opens an issue`);
    thread = await chat.ask(agent, `@${agent} please open an issue: note this rehearsal in CHANGES.md`);
  }
  const pull = await until("a colleague works on it", async () => (await own()).find(isOpen));
  await until(`review of #${pull.number}`, async () => {
    const states = [...(await seen.lenses(pull.head.sha)).values()];
    const enough = team.team.policy.reviews.length === 0 || states.length > 0;
    return enough && states.every((state) => state === "success") ? true : undefined;
  });
  if (thread !== undefined) {
    const asked = thread;
    await until(`question whether #${pull.number} may be merged`, async () =>
      (await chat.thread(asked)).some((text) => text.includes("waits for an approval")) ? true : undefined,
    );
  }
  step.update(`${person} approves #${pull.number}`);
  await seen.approve(pull, login);
  const done = await until(`merge of #${pull.number}`, async () =>
    (await own()).find(({ number, merged_at }) => number === pull.number && merged_at !== null),
  );
  return ended(done, thread);
}

const isOpen = ({ state }: { readonly state: string }): boolean => state === "open";

function notComing({ forge, repository, agent }: FlowPlan, what: string): OlympusError {
  return new OlympusError(`the work on ${repository} does not go on: ${what} did not come within 15 minutes`, {
    code: "E-FLOW",
    exit: exitCodes.failed,
    where: `${forge}/${repository}`,
    hint: `npx olympus logs ${agent}, and those of its colleagues; npx olympus quickstart again goes on from there`,
  });
}
