import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../harness/clock.ts";
import { limitsSchema } from "../harness/config.ts";
import { github } from "../harness/forge/github.ts";
import type { ForgePull, ForgeReader, ForgeReview, NewReview } from "../harness/forge-port.ts";
import { forgeSource } from "../harness/forge-work.ts";
import { silentLog } from "../harness/log.ts";
import { sdkCaller } from "../harness/model/caller.ts";
import { changeOf, lensesFor } from "../harness/policy/changes.ts";
import { assign } from "../harness/review/assign.ts";
import { reviewGuards } from "../harness/review/guards.ts";
import { type Reviewed, type ReviewForge, reviewPull } from "../harness/review/review.ts";
import { ModelRouter } from "../harness/router.ts";
import { receive } from "../harness/store/inbox.ts";
import { openStore, type Store } from "../harness/store/open.ts";
import { claimNext } from "../harness/store/runs.ts";
import { spentByRun } from "../harness/store/steps.ts";
import type { Known } from "../harness/trust.ts";
import type { ReviewAccount, ReviewSetup } from "./review-as.ts";

export interface ReviewWish {
  readonly repo: string;
  readonly number: number;
  /** Those that the change needs by the team's policy unless given; security where nothing says. */
  readonly lenses: readonly string[] | undefined;
  /** Nothing is written to the forge. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/** What came of one lens. `failed`: in words, why there is no review. */
export interface LensOutcome {
  readonly lens: string;
  readonly by: string;
  readonly result: Reviewed | { readonly failed: string };
  /** What would have been said, of a dry run. */
  readonly said: readonly Pick<NewReview, "body" | "comments">[];
}

export interface ReviewOutcome {
  readonly lenses: readonly LensOutcome[];
  /** US dollars. */
  readonly usd: number;
  /** Why nobody looked at it. */
  readonly refused?: string;
}

/**
 * Reviews a pull request without an agent: what a run needs of a store is made for it and goes with it. Throws ForgeError for what the
 * forge refuses, and the signal's reason.
 */
export async function reviewAlone(setup: ReviewSetup, wish: ReviewWish): Promise<ReviewOutcome> {
  const dir = await mkdtemp(join(tmpdir(), "olympus-review-"));
  const store = openStore(
    dir,
    setup.accounts.flatMap(({ token, keys }) => [token, ...Object.values(keys)]),
  );
  try {
    return await reviewWith(setup, wish, store);
  } finally {
    store.close();
    await rm(dir, { recursive: true });
  }
}

async function reviewWith({ api, accounts, lenses: rules }: ReviewSetup, wish: ReviewWish, store: Store) {
  const { repo, number } = wish;
  const clock = systemClock(1);
  const forgeOf = ({ token }: ReviewAccount) => github({ api, token, store, clock, log: silentLog, spaced: true });
  const first = forgeOf(accounts[0]!);
  const pull = await first.pull(repo, number);
  const nothing = (refused: string): ReviewOutcome => ({ lenses: [], usd: 0, refused });
  if (pull.state !== "open") return nothing(`it is ${pull.state}`);
  const needed = rules && lensesFor({ lenses: rules }, changeOf(pull, await first.files(repo, number)));
  const lenses = wish.lenses ?? needed ?? ["security"];
  if (lenses.length === 0) return nothing("the team's policy wants no lens for it; --lens names one");
  const able = await Promise.all(
    accounts.map(async (account) => ({
      ...account,
      name: account.agent,
      login: account.login ?? (await first.account()).login,
      load: 0,
    })),
  );
  const given = assign(lenses, able, pull.author.login, `${repo}#${number}`);
  if (given.size === 0) return nothing("it is by the account that would review it");
  const run = beginRun(store, repo, number, clock.now());
  const outcomes: LensOutcome[] = [];
  for (const [lens, { login }] of given) {
    const account = able.find((one) => one.login === login)!;
    outcomes.push(await lookThrough(lens, account, pull, forgeOf(account), wish, store, run));
  }
  return { lenses: outcomes, usd: spentByRun(store, run).usd };
}

/** A run that calls of models can be booked to. */
function beginRun(store: Store, repo: string, number: number, now: number): string {
  const sourceId = `review-${repo.toLowerCase().replace("/", ".")}-${number}`;
  const payload = { repo, number };
  const entry = { source: forgeSource, sourceId, lane: sourceId, kind: "review" as const, author: "cli", payload };
  receive(store, { ...entry, createdAt: now }, now);
  return claimNext(store, now)!.id;
}

async function lookThrough(
  lens: string,
  account: ReviewAccount & { readonly login: string },
  pull: ForgePull,
  forge: ReviewForge,
  { repo, number, dryRun, signal }: ReviewWish,
  store: Store,
  run: string,
): Promise<LensOutcome> {
  const clock = systemClock(1);
  const { keys, login } = account;
  const said: Pick<NewReview, "body" | "comments">[] = [];
  const config = { ...account, forge: account.forge ?? ofForge(pull, login), limits: limitsSchema.parse({}) };
  const models = sdkCaller(({ keyFile }) => (keyFile === undefined ? undefined : keys[keyFile]));
  const parts = {
    config,
    forge: knownAs(login, dryRun ? silenced(forge, pull, said) : forge),
    router: new ModelRouter({
      config: { ...config, models: [...account.models] },
      store,
      models,
      clock,
      log: silentLog,
    }),
    clock,
    ...reviewGuards(store, store.secrets, clock),
  };
  const result = await reviewPull(parts, { repo, number, lens, run, signal });
  const failed = result === undefined ? "it changed meanwhile: review it again" : result;
  return { lens, by: account.agent, result: typeof failed === "string" ? { failed } : failed, said };
}

/** Without a team the forge's word counts for who belongs to the repository. */
function ofForge({ author, association }: ForgePull, login: string): Known["forge"] {
  const belongs = ["owner", "member", "collaborator"].includes(association);
  const people = belongs ? [{ login: author.login, name: author.login, command: true, approve: [] }] : [];
  return { login, agents: [], people };
}

/** Tokens of an App's installation cannot ask who they are. */
function knownAs(login: string, forge: ReviewForge): ReviewForge {
  const own: Pick<ReviewForge, "account"> = { account: async () => ({ login, id: 0, bot: true }) };
  return Object.assign(Object.create(forge) as ReviewForge, own);
}

/** Reads, and keeps to itself what it would write. */
function silenced(forge: ReviewForge, pull: ForgePull, said: Pick<NewReview, "body" | "comments">[]): ReviewForge {
  const nothing = async (): Promise<void> => undefined;
  const writes: Omit<ReviewForge, keyof ForgeReader> = {
    setStatus: nothing,
    editReview: nothing,
    dismissReview: nothing,
    async submitReview(_, __, { sha, verdict, body, comments }): Promise<ForgeReview> {
      said.push({ body, comments });
      const state = verdict === "request_changes" ? "changes_requested" : "commented";
      const { author, association, url, updatedAt: at } = pull;
      return { id: 0, author, association, state, body, sha, at, url };
    },
  };
  return Object.assign(Object.create(forge) as ReviewForge, writes);
}
