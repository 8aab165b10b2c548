import { messageOf } from "../../base/errors.ts";
import { audit } from "../audit/audit.ts";
import { beginAct } from "../forge/audited.ts";
import { untilAnswered } from "../forge/patient.ts";
import type { ForgePull } from "../forge-port.ts";
import type { RunSandbox } from "../sandbox/sandbox.ts";
import { spentByRun } from "../store/steps.ts";
import { keepChange } from "../store/turns.ts";
import type { ToolOutcome } from "../tools/tool.ts";
import { type CheckResult, runChecks } from "./checks.ts";
import { GitError } from "./git.ts";
import type { Origin } from "./marks.ts";
import { seeOutgoing } from "./outgoing.ts";
import { type ForgeParts, repositoryOf } from "./parts.ts";
import { checksText, pullBody, titleOf } from "./pull-text.ts";
import type { Merged, Repository } from "./repository.ts";
import { changeWork, notePush, noteStand, pushOf, type Stand, standOf, type WorkRow, workOf } from "./table.ts";
import { checkOut, takeTree, WorkspaceError } from "./workspace.ts";

export interface Handing {
  readonly parts: ForgeParts;
  readonly sandbox: RunSandbox;
  /** An empty one, for the checks. */
  readonly openEmpty: () => Promise<RunSandbox>;
  readonly repository: Repository;
  readonly work: WorkRow;
  readonly run: string;
  readonly title: string;
  readonly defaultBranch: string;
  /** The commit that this round began at. */
  readonly parent: string;
  /** The pull request, in a further round. */
  readonly pull: number | undefined;
  readonly redact: (text: string) => string;
  /** Throws when the work is not wanted any more. */
  readonly stillWanted: (signal: AbortSignal) => Promise<void>;
}

/** A commit that is to be proposed. */
interface Placed {
  readonly commit: string;
  /** Why it does not stand on the newest base. */
  readonly behind: string | undefined;
  /** The forge has it. */
  readonly there: boolean;
}

/** How often failing checks go back to the model. */
const mostReturns = 2;

/**
 * Hands over what is in the workspace: runs the checks, commits, pushes, opens the pull request, and says what it saw. Failing checks and
 * what cannot be handed over go back to the model; after some times it is handed over with the truth. May be called again after a crash
 * at any point: the same files give the same commit and the same pull request.
 */
export class HandOver {
  readonly #handing: Handing;
  #returned = 0;
  /** The commit that the workspace stands on. */
  #parent: string;

  constructor(handing: Handing) {
    this.#handing = handing;
    this.#parent = handing.parent;
  }

  /** Goes on with a workspace that a former process put onto a newer base, or was about to. */
  async resume(signal: AbortSignal): Promise<void> {
    const { parts, run } = this.#handing;
    const stand = standOf(parts.store, run);
    if (stand?.done === true) this.#parent = stand.base;
    else if (stand !== undefined) await this.#putOn(stand, signal);
  }

  async submit(summary: string, signal: AbortSignal): Promise<ToolOutcome> {
    try {
      return await this.#submit(summary, signal);
    } catch (error) {
      if (!(error instanceof WorkspaceError)) throw error;
      return { text: `error: it cannot be handed over: ${this.#handing.redact(error.message)}` };
    }
  }

  async #submit(summary: string, signal: AbortSignal): Promise<ToolOutcome> {
    const { work } = this.#handing;
    const title = this.#clean(titleOf(this.#handing.title, work.number), "title");
    const told = this.#clean(summary, "summary");
    const placed = (await this.#pushedBefore(signal)) ?? (await this.#commit(title, told, signal));
    if (placed === undefined) {
      if (this.#returned++ < mostReturns)
        return {
          text: "error: no file is changed. Change what the task asks for, or submit again to say why nothing is to be changed.",
        };
      return ends(`I changed nothing for ${work.repo}#${work.number}: ${told}`, "done: nothing to change");
    }
    const checks = await this.#check(placed.commit, signal);
    const failing = checks.filter(({ passed }) => !passed);
    if (failing.length > 0 && this.#returned++ < mostReturns)
      return {
        text: `error: these checks of the repository fail, in a fresh checkout of what you submit. Mend it and submit again.\n${checksText(failing)}`,
      };
    return this.#publish({ ...placed, summary: told, checks, title }, signal);
  }

  /** What is proposed is checked, and nothing else that is in the workspace or was left at home by a command. */
  async #check(commit: string, signal: AbortSignal): Promise<CheckResult[]> {
    const { parts, repository, work, redact, openEmpty } = this.#handing;
    const commands = repositoryOf(parts.settings, work.repo)?.checks ?? [];
    if (commands.length === 0) return [];
    const box = await openEmpty();
    try {
      await checkOut(box, repository, { commit, branch: work.branch }, signal);
      return await runChecks(box, commands, parts.config.sandbox?.longest ?? 900, redact, signal);
    } finally {
      await box.close();
    }
  }

  /** What a former process pushed for this run before it was killed: it is handed over already, and has to be told of. */
  async #pushedBefore(signal: AbortSignal): Promise<Placed | undefined> {
    const { parts, repository, run, parent, work } = this.#handing;
    const commit = pushOf(parts.store, run);
    if (commit === undefined) return undefined;
    // A first round begins at the base, whatever is on its branch by now.
    if (work.head === null) await repository.fetch([work.branch], signal);
    const there = work.head === null ? await repository.fetched(work.branch) : parent;
    if (!(await repository.contains(there, commit))) return undefined;
    return { commit, behind: (await this.#moved(commit, signal))?.told, there: true };
  }

  /** What is in the workspace, committed; undefined when no file is changed. */
  async #commit(title: string, told: string, signal: AbortSignal): Promise<Placed | undefined> {
    const { parts, sandbox, repository, run } = this.#handing;
    const { settings, config, store, clock } = parts;
    const parent = this.#parent;
    const disk = (config.sandbox?.disk ?? 1024) * 1024 * 1024;
    const tree = await takeTree(sandbox, repository, disk, signal);
    if (tree === (await repository.treeOf(parent))) return undefined;
    await seeOutgoing(this.#handing, this.#parent, tree, () => this.#note("refusal", "commit a secret", { tree }));
    const message = `${title}\n\n${plainLines(told)}\n\nSigned-off-by: ${settings.name} <${settings.email}>\n`;
    // Of the run, so that a repeated hand-over is the same commit.
    const begun = store.get<{ at: number }>("SELECT started_at AS at FROM runs WHERE id = ?", run);
    const at = begun?.at ?? clock.now();
    const commit = await repository.commit({ tree, parent, message, at }, settings);
    return { ...(await this.#onNewestBase(commit, message, at, signal)), there: false };
  }

  /** A text of the model's without secrets; that it wanted to say one is written down. */
  #clean(text: string, where: string): string {
    const clean = this.#handing.redact(text);
    if (clean !== text) this.#note("refusal", "say a secret", { where });
    return clean;
  }

  #note(kind: "act" | "refusal", what: string, evidence: Readonly<Record<string, string>>, pull?: number): void {
    const { parts, work, run } = this.#handing;
    const subject = `${work.repo}#${pull ?? work.number}`;
    const actor = kind === "act" ? "harness" : "model";
    audit(parts.store, { kind, actor, what, subject, run, evidence }, parts.clock.now());
  }

  /** `done` notes it, with its entry in the log. */
  async #push(evidence: { branch: string; commit: string; on: string }, done: () => void, signal: AbortSignal) {
    const { parts, repository, work, run } = this.#handing;
    const act = { what: "push", subject: `${work.repo}#${work.number}`, evidence, run };
    const push = () => repository.push(evidence.commit, evidence.branch, signal);
    try {
      await beginAct(parts, act, `push:${run}:${evidence.commit}`, push, done);
    } catch (error) {
      if (error instanceof GitError) throw new WorkspaceError(`the forge does not take the push: ${messageOf(error)}`);
      throw error;
    }
  }

  /** On top of what the base is by now, in the first round, where that goes by itself. */
  async #onNewestBase(
    commit: string,
    message: string,
    at: number,
    signal: AbortSignal,
  ): Promise<{ commit: string; behind: string | undefined }> {
    const { parts, repository, work } = this.#handing;
    const moved = await this.#moved(commit, signal);
    if (moved === undefined) return { commit, behind: undefined };
    const { newest, merged, told } = moved;
    // What was proposed already is only added to: others may have gone on from it.
    if ("conflicts" in merged || work.head !== null) return { commit, behind: told };
    const fresh = await repository.commit({ tree: merged.tree, parent: newest, message, at }, parts.settings);
    await this.#putOn({ commit: fresh, base: newest }, signal);
    return { commit: fresh, behind: undefined };
  }

  /** Puts the work so far, on a newer base, into the workspace. */
  async #putOn({ commit, base }: Pick<Stand, "commit" | "base">, signal: AbortSignal): Promise<void> {
    const { parts, repository, work, sandbox, run } = this.#handing;
    noteStand(parts.store, run, { commit, base, done: false });
    await checkOut(sandbox, repository, { commit, branch: work.branch, again: true }, signal);
    noteStand(parts.store, run, { commit, base, done: true });
    this.#parent = base;
  }

  /** The newest base, where a commit does not stand on it: what both are together, and that in words. */
  async #moved(
    commit: string,
    signal: AbortSignal,
  ): Promise<{ newest: string; merged: Merged; told: string } | undefined> {
    const { parts, repository, work, defaultBranch } = this.#handing;
    const newest = await untilAnswered(parts, signal, () => parts.forge.branch(work.repo, defaultBranch));
    if (newest === undefined) return undefined;
    if (!(await repository.has(newest, "commit"))) await repository.fetch([defaultBranch], signal);
    if (await repository.contains(commit, newest)) return undefined;
    const merged = await repository.merge(newest, commit);
    const how = "conflicts" in merged ? "and it does not go together with this by itself" : "since this began";
    const base = (await repository.mergeBase(newest, commit)) ?? work.base;
    const told = `\`${defaultBranch}\` is now at ${newest.slice(0, 12)}, ${how}: this stands on ${base.slice(0, 12)}.`;
    return { newest, merged, told };
  }

  async #publish(
    done: Placed & { summary: string; checks: CheckResult[]; title: string },
    signal: AbortSignal,
  ): Promise<ToolOutcome> {
    const { parts, repository, work, run, defaultBranch, stillWanted } = this.#handing;
    const { forge, store, clock, key, settings, config } = parts;
    const { repo, number, branch } = work;
    const ask = <T>(question: () => Promise<T>) => untilAnswered(parts, signal, question);
    await stillWanted(signal);
    // Before it is pushed: whoever finds it there knows whose it is.
    notePush(store, run, done.commit);
    const { text: diff } = await repository.diff(`${done.commit}^`, done.commit);
    const push = { branch, commit: done.commit, on: this.#parent };
    const note = (): void => {
      const known = workOf(store, repo, number)?.head === done.commit;
      const state = this.#handing.pull === undefined ? "pushed" : "opened";
      changeWork(store, repo, number, { state, head: done.commit }, clock.now());
      keepChange(store, run, { repo, head: done.commit, diff });
      if (!known) this.#note("act", "push", push);
    };
    if (done.there) store.transaction(note);
    else await this.#push(push, note, signal);
    const failing = done.checks.filter(({ passed }) => !passed).length;
    if (this.#handing.pull !== undefined) {
      const pushed = `Pushed ${done.commit.slice(0, 12)}.${done.behind === undefined ? "" : ` ${done.behind}`}`;
      return ends(`${pushed}\n\n${done.summary}\n\n${checksText(done.checks)}`, "done: pushed");
    }
    const origin: Origin = {
      chain: work.chain,
      hops: work.hops + 1,
      channelId: work.channel ?? "",
      rootId: work.root ?? "",
    };
    const facts = {
      issue: number,
      agent: config.agent,
      run,
      summary: done.summary,
      checks: done.checks,
      behind: done.behind,
      cost: spentByRun(store, run).usd,
      rehearsal: config.models.some(({ provider }) => provider === "rehearsal"),
    };
    const body = pullBody(facts, key, { repo, login: settings.login }, origin);
    const draft = failing > 0;
    const pull: ForgePull = await ask(() =>
      forge.openPull(repo, { title: done.title, body, head: branch, base: defaultBranch, draft }),
    );
    const told = workOf(store, repo, number)?.pull === pull.number;
    store.transaction(() => {
      changeWork(store, repo, number, { state: "opened", pull: pull.number }, clock.now());
      const evidence = { issue: String(number), branch, commit: done.commit, draft: String(draft) };
      if (!told) this.#note("act", "open a pull request", evidence, pull.number);
    });
    const checked =
      done.checks.length === 0
        ? "no checks are declared"
        : failing === 0
          ? `${done.checks.length} of ${done.checks.length} checks passed`
          : `**${failing} of ${done.checks.length} checks fail**, so it is a draft`;
    const behind = done.behind === undefined ? "" : " The base moved, see there.";
    return ends(
      `[${repo}#${pull.number}](${pull.url}) is open for #${number}: ${checked}.${behind}\n\n${done.summary}`,
      `done: pull request #${pull.number}`,
    );
  }
}

const ends = (answer: string, outcome: string): ToolOutcome => ({ text: "submitted", ends: { answer, outcome } });

/** A summary as a commit's body. */
function plainLines(summary: string): string {
  return summary.replace(/\r/g, "").split("\n").slice(0, 60).join("\n").slice(0, 4000);
}
