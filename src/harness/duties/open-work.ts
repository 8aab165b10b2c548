import type { ForgeIssue } from "../forge-port.ts";
import { branchOf, claimsIn } from "../tasks/claim.ts";
import { type ForgeParts, repositoryOf } from "../tasks/parts.ts";

/** An issue that is the team's to do. */
export interface OpenWork {
  readonly repo: string;
  readonly issue: ForgeIssue;
  /** Login of the agent that claimed it, else of the one that it is assigned to. */
  readonly holder: string | undefined;
  readonly claimed: boolean;
}

/** An agent that takes issues of a repository. */
export interface Hand {
  readonly name: string;
  readonly login: string;
  readonly lenses: readonly string[];
  /** Open issues that it has. */
  readonly load: number;
}

/** Open issues with the repository's label and who has them, as the forge shows it; oldest first. */
export async function openWork(parts: ForgeParts, repo: string): Promise<OpenWork[]> {
  const { forge, settings } = parts;
  const repository = repositoryOf(settings, repo);
  if (repository === undefined) return [];
  const [issues, branches] = [
    await forge.issuesLabelled(repo, repository.label),
    new Set((await forge.branches(repo, "olympus/issue-")).map(({ name }) => name)),
  ];
  const agents = [settings.login, ...settings.agents.map(({ login }) => login)];
  const work: OpenWork[] = [];
  for (const issue of issues) {
    if (issue.isPull) continue;
    const branch = branches.has(branchOf(issue.number));
    const [claim] = branch ? claimsIn(parts, repo, issue.number, await forge.comments(repo, issue.number)) : [];
    const assigned = agents.find((login) =>
      issue.assignees.some((other) => other.toLowerCase() === login.toLowerCase()),
    );
    work.push({ repo, issue, holder: claim?.login ?? assigned, claimed: claim !== undefined });
  }
  return work;
}

/** Who takes issues of a repository, with what they have. */
export function handsFor({ settings, config }: ForgeParts, repo: string, work: readonly OpenWork[]): Hand[] {
  const own = { name: config.agent, login: settings.login, lenses: settings.lenses };
  const others = settings.agents.filter(({ works }) => works.some((name) => name.toLowerCase() === repo.toLowerCase()));
  const able = [...others, ...(repositoryOf(settings, repo)?.work === true ? [own] : [])];
  const load = (who: string) => work.filter(({ holder }) => holder?.toLowerCase() === who.toLowerCase()).length;
  return able.map(({ name, login, lenses }) => ({ name, login, lenses, load: load(login) }));
}

/** So many open issues more than others one may have and still be the one whom it suits best. */
const worthOfFit = 2;

/** Who is to do a piece of work: whoever has least to do, what somebody looks at first (`lens`) counting for him. */
export function choose(hands: readonly Hand[], lens: string | undefined): Hand | undefined {
  const cost = ({ load, lenses }: Hand) => load - (lens !== undefined && lenses.includes(lens) ? worthOfFit : 0);
  return hands.reduce<Hand | undefined>((best, one) => (best && cost(best) <= cost(one) ? best : one), undefined);
}

/** After a piece of work was given to one of them. */
export const withOneMore = (hands: readonly Hand[], hand: Hand): Hand[] =>
  hands.map((one) => (one === hand ? { ...one, load: one.load + 1 } : one));
