import { messageOf } from "../../base/errors.ts";
import { maskSecrets, type Secret } from "../../base/secret.ts";
import { forgetAccounts } from "../accounts.ts";
import type { Chat } from "../chat-port.ts";
import type { Clock } from "../clock.ts";
import type { AgentConfig } from "../config.ts";
import { splitTool } from "../duties/split.ts";
import { dropOldAnswers } from "../forge/answers.ts";
import { auditedForge, writeLeftActs } from "../forge/audited.ts";
import { github } from "../forge/github.ts";
import { Poller } from "../forge/poller.ts";
import { receiveWebhooks, type WebhookReceiver } from "../forge/webhook.ts";
import type { Forge, ForgePull } from "../forge-port.ts";
import type { Doers, ForgeDesk, Taker } from "../forge-work.ts";
import { judging } from "../gates/judge.ts";
import type { PostPayload } from "../intake.ts";
import type { Log } from "../log.ts";
import type { RunParts } from "../run.ts";
import type { Store } from "../store/open.ts";
import type { Tool } from "../tools/tool.ts";
import { obstacleToWork } from "./capacity.ts";
import { releaseStale } from "./claim.ts";
import { createIssueTool } from "./create-issue.ts";
import { doIssue } from "./issue.ts";
import { letGo } from "./let-go.ts";
import { markOf, type Origin, originMark } from "./marks.ts";
import { type ForgeParts, isMe } from "./parts.ts";
import { doRework } from "./rework.ts";
import { workTaker } from "./taker.ts";

export interface DeskParts {
  readonly config: AgentConfig;
  readonly settings: NonNullable<AgentConfig["forge"]>;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly token: Secret;
  readonly key: Secret;
  readonly webhookSecret: Secret | undefined;
  /** For reviews, which write no contents; the same as `token` unless given. */
  readonly reviewToken?: Secret | undefined;
  /** In place of GitHub, in tests. */
  readonly forge?: Forge;
  /** What keeps new issues from being begun, in place of a look at the machine and the budget. */
  readonly obstacle?: () => Promise<string | undefined>;
}

/** How often it is looked for issues whose run was stopped or failed. */
const tidyEveryMs = 30_000;

/** An agent's place on the forge: what it sees there, and what it does. */
export class Desk implements ForgeDesk {
  readonly #parts: ForgeParts;
  /** The same for a run, whose acts are written as its. */
  readonly #partsIn: (run: string) => ForgeParts;
  readonly #webhookSecret: Secret | undefined;
  readonly #takers: Taker[];
  readonly #judging: ReturnType<typeof judging> | undefined;
  readonly #stop = new AbortController();
  #chat: Chat | undefined;
  #poller: Poller | undefined;
  /** Why it does not look yet. */
  #closed: string | undefined;
  #receiver: Promise<WebhookReceiver | undefined> | undefined;
  readonly #lookForRoom: () => Promise<string | undefined>;
  #obstacle: string | undefined = "nobody has looked yet whether there is room";

  constructor(given: DeskParts) {
    const { config, store, clock, log, token } = given;
    const at = (its: Secret) =>
      given.forge ?? github({ api: given.settings.api, token: its, store, clock, log, spaced: config.scale === 1 });
    forgetAccounts(given.settings, store);
    writeLeftActs(store, clock.now());
    const forge = at(token);
    this.#parts = { ...given, forge: auditedForge(forge, given) };
    this.#partsIn = (run) => ({ ...given, forge: auditedForge(forge, given, run) });
    this.#lookForRoom = given.obstacle ?? (() => obstacleToWork(config, store, clock.now()));
    this.#webhookSecret = given.webhookSecret;
    const reviewForge = given.reviewToken === undefined ? forge : at(given.reviewToken);
    const origin = (repo: string, { author, body }: ForgePull) =>
      markOf<Origin>(given.key, originMark, { repo, login: author.login }, body);
    const { policy } = config;
    this.#judging = policy && judging({ config, policy, store, clock, forge, reviewForge, origin });
    this.#takers = [workTaker(this.#parts), ...(this.#judging?.takers ?? [])];
  }

  /** What runs of this agent do on the forge. */
  doers(runParts: RunParts): Doers {
    this.#chat = runParts.chat;
    return {
      ...this.#judging?.doers(runParts),
      issue: (run, payload, signal) => doIssue(this.#partsIn(run.id), runParts, run, payload, signal),
      rework: (run, payload, signal) => doRework(this.#partsIn(run.id), runParts, run, payload, signal),
    };
  }

  /** What a conversation may do on the forge. */
  chatTools(run: string, post: PostPayload, secrets: readonly Secret[]): Tool[] {
    const redact = (text: string) => maskSecrets(text, secrets);
    const parts = this.#partsIn(run);
    const create = createIssueTool(parts, run, post, redact);
    return parts.config.orchestration === undefined ? [create] : [create, splitTool(parts, create, post, redact)];
  }

  /** Why no issue is begun just now; undefined when there is room. */
  get obstacle(): string | undefined {
    return this.#obstacle;
  }

  /** What keeps the forge from being seen. */
  troubles(): string[] {
    return [...(this.#closed === undefined ? [] : [this.#closed]), ...(this.#poller?.troubles() ?? [])];
  }

  /** Begins to look. `wake` is called whenever there may be work. Returns at once. */
  start(wake: () => void): void {
    const { settings, store, clock, log, forge } = this.#parts;
    dropOldAnswers(store, clock.now());
    const poller = new Poller({
      config: settings,
      forge,
      store,
      clock,
      log,
      takers: this.#takers,
      wake: () => void this.#look(wake),
    });
    this.#poller = poller;
    this.#begin(poller).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) log.error({ error: messageOf(error) }, "the forge is not looked at");
    });
    const { webhook } = settings;
    if (webhook !== undefined && this.#webhookSecret !== undefined) {
      const at = { address: webhook.address, port: webhook.port, secret: this.#webhookSecret };
      this.#receiver = receiveWebhooks(at, (repo) => poller.hint(repo), log).catch((error: unknown) => {
        log.error({ error: messageOf(error) }, "webhooks cannot be received; what they tell is found by looking");
        return undefined;
      });
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("stopped"));
    await this.#poller?.stop();
    await (await this.#receiver)?.close();
  }

  /** A token of another account would act in a wrong name. */
  async #begin(poller: Poller): Promise<void> {
    const { forge, settings, clock, log } = this.#parts;
    const { signal } = this.#stop;
    for (;;) {
      try {
        const { login } = await forge.account();
        if (isMe(settings, login)) break;
        this.#closed = `the token belongs to ${login}, not to ${settings.login}`;
        log.error({ login }, "the token belongs to another account than the configuration names");
      } catch (error) {
        this.#closed = messageOf(error);
        log.warn({ error: messageOf(error) }, "no access to the forge yet");
      }
      await clock.wait(30_000, signal);
    }
    if (signal.aborted) return;
    this.#closed = undefined;
    poller.start();
    void this.#sweep();
    void this.#tidy();
    const rounds = this.#parts.config.orchestration?.rounds;
    if (rounds === undefined || this.#chat === undefined) return;
    const { beginRounds } = await import("../duties/rounds.ts");
    beginRounds({ ...this.#parts, chat: this.#chat, rounds }, signal);
  }

  async #look(wake: () => void): Promise<void> {
    const { log } = this.#parts;
    const before = this.#obstacle;
    this.#obstacle = await this.#lookForRoom().catch((error: unknown) => messageOf(error));
    if (this.#obstacle !== before) log.info({ obstacle: this.#obstacle ?? "none" }, "whether issues are begun");
    wake();
  }

  /** What we do not go on with ourselves. */
  async #tidy(): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await letGo(this.#parts, signal).catch((error: unknown) => {
        if (!signal.aborted) log.error({ error: messageOf(error) }, "cannot look for issues to let go of");
      });
      await clock.wait(tidyEveryMs, signal).catch(() => undefined);
    }
  }

  /** Now and then: what others left lying is free again. */
  async #sweep(): Promise<void> {
    const { settings, clock, log } = this.#parts;
    const pause = (settings.leaseHours * 3600_000) / 4;
    while (!this.#stop.signal.aborted) {
      // Not all agents at the same moment.
      await clock.wait(pause * (0.5 + Math.random()), this.#stop.signal).catch(() => undefined);
      if (this.#stop.signal.aborted) return;
      for (const { name, work } of settings.repositories) {
        if (!work) continue;
        try {
          const released = await releaseStale(this.#parts, name, this.#stop.signal);
          if (released.length > 0) log.info({ repository: name, issues: released }, "claims were released");
        } catch (error) {
          log.warn({ repository: name, error: messageOf(error) }, "cannot look for claims that nobody keeps");
        }
      }
    }
  }
}
