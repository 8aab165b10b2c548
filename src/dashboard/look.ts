import { statfsSync } from "node:fs";
import { longestForm, maskSecrets, type Secret } from "../base/secret.ts";
import type { AgentConfig } from "../harness/config.ts";
import { liveGates } from "../harness/gates/book.ts";
import type { Gate } from "../harness/gates/gate.ts";
import type { LogLevel } from "../harness/log.ts";
import type { ModelMessage } from "../harness/model-port.ts";
import { type CallSums, type CostKey, costBy } from "../harness/store/costs.ts";
import * as runs from "../harness/store/look.ts";
import * as sums from "../harness/store/look-sums.ts";
import type { Store } from "../harness/store/open.ts";
import type { Change } from "../harness/store/turns.ts";
import { dayBefore, dayStart } from "../harness/zone.ts";
import type { KeptLog, LogLine } from "./kept-log.ts";
import type { AgentStatus } from "./status.ts";

/** Characters of what was asked in lists of runs. */
const askedLength = 300;

/** One message between harness and model. */
export interface Said {
  /** Which of the run's conversations: `chat`, or work that it handed over. */
  readonly part: string;
  /** Its number there. */
  readonly seq: number;
  readonly role: ModelMessage["role"];
  readonly text: string;
  /** Tools that the model called. */
  readonly calls: readonly { readonly name: string; readonly input: unknown }[];
  /** Of a tool: which. */
  readonly of: string | null;
}

export interface LookParts {
  readonly config: AgentConfig;
  readonly store: Store;
  readonly log: KeptLog;
  /** What is shown nowhere, in any form. */
  readonly secrets: readonly Secret[];
  readonly status: () => AgentStatus;
  readonly now: () => number;
}

/**
 * Everything that pages and API show, read only. Posts, outcomes and logs are in the words of others: secrets in them are masked here,
 * once for all who look.
 */
export class Look {
  readonly config: AgentConfig;
  readonly #parts: LookParts;
  readonly #names: ReadonlyMap<string, string>;

  constructor(parts: LookParts) {
    this.#parts = parts;
    this.config = parts.config;
    const { people, agents, botId } = parts.config.chat;
    this.#names = new Map(
      [...people, ...agents, { id: botId, name: parts.config.agent }].map(({ id, name }) => [id, name]),
    );
  }

  get store(): Store {
    return this.#parts.store;
  }

  now(): number {
    return this.#parts.now();
  }

  status(): AgentStatus {
    return this.#parts.status();
  }

  /** A person's or agent's name, for an id of the chat; the id where nobody of the team has it. */
  name(author: string): string {
    return this.#names.get(author) ?? author;
  }

  /** The newest that fit. `searched`: words were looked for back to there (ms), and there are older runs. */
  runs(filter: runs.RunFilter, count: number): { rows: runs.RunRow[]; searched: number | undefined } {
    const searched = filter.text === undefined ? undefined : runs.searchEnd(this.store, filter.before);
    const rows = runs.findRuns(this.store, { from: searched, ...filter }, count, this.#askedRead());
    return { rows: this.#askedCut(rows), searched };
  }

  run(id: string): runs.RunDetail | undefined {
    const found = runs.runDetail(this.store, id, this.#askedRead());
    return found && this.#askedCut([found])[0];
  }

  steps(run: string, count: number, skip: number): runs.StepRow[] {
    return this.masked(runs.stepsOf(this.store, run, count, skip));
  }

  parts(run: string): runs.PartRow[] {
    return this.masked(runs.partsOf(this.store, run));
  }

  /** Between harness and model, `count` before the newest `skip`; what was released to the run alone is left out. */
  messages(run: string, count: number, skip: number): Said[] {
    return this.masked(runs.messagesOf(this.store, run, count, skip)).map(saidIn);
  }

  message(run: string, part: string, seq: number): Said | undefined {
    const row = runs.messageOf(this.store, run, part, seq);
    return row && saidIn(this.masked(row));
  }

  /** How many messages and changes of a run there are to see. */
  kept(run: string): ReturnType<typeof runs.keptOf> {
    return runs.keptOf(this.store, run);
  }

  changes(run: string): Change[] {
    return this.masked(runs.changesOf(this.store, run));
  }

  queued(count: number): runs.QueuedRow[] {
    return this.#askedCut(runs.queued(this.store, count, this.#askedRead()));
  }

  conversations(before: number, count: number): runs.ConversationRow[] {
    return this.#askedCut(runs.conversations(this.store, before, count, this.#askedRead()));
  }

  /** The newest before `skip` of them, and how many there are. */
  conversation(lane: string, count: number, skip: number): { said: runs.SaidRow[]; all: number } {
    return { said: this.masked(runs.conversation(this.store, lane, count, skip)), all: runs.saidIn(this.store, lane) };
  }

  notes(text: string, count: number, skip = 0): sums.KeptNote[] {
    return this.masked(sums.keptNotes(this.store, text, count, skip));
  }

  noteCount(text: string): number {
    return sums.countKept(this.store, text);
  }

  log(level: LogLevel, text: string, count: number): LogLine[] {
    return this.masked(this.#parts.log.lines(level, text, count));
  }

  logSeq(): number {
    return this.#parts.log.seq;
  }

  lastFailure(): ReturnType<typeof sums.lastFailure> {
    const found = sums.lastFailure(this.store);
    return found && this.masked(found);
  }

  /** How runs of today ended, by the agent's day. */
  today(): { state: string; n: number }[] {
    return runs.endedSince(this.store, dayStart(this.now(), this.config.timezone));
  }

  /** Gates that may still lead to something, the oldest first. */
  gates(): Gate[] {
    return this.masked(liveGates(this.store));
  }

  /** What models cost in the last days, today included, summed and sorted by `keys`. */
  cost<K extends CostKey>(keys: readonly K[], days: number): (CallSums & Readonly<Record<K, string>>)[] {
    return costBy(this.store, keys, dayBefore(this.now(), days - 1, this.config.timezone));
  }

  totals(): sums.Totals {
    return sums.totals(this.store);
  }

  /** Of the disk that keeps the agent's data, in bytes. */
  disk(): { free: number; size: number } {
    const { bavail, blocks, bsize } = statfsSync(this.config.dataDir);
    return { free: bavail * bsize, size: blocks * bsize };
  }

  /** More than is shown: a secret that begins within that has to be whole, or nobody would know it. */
  #askedRead(): number {
    return askedLength + longestForm(this.#parts.secrets);
  }

  /** Masked, then cut: also what was read last and may be the beginning of a secret. */
  #askedCut<T extends { readonly asked: string }>(rows: readonly T[]): T[] {
    const read = this.#askedRead();
    return this.masked(rows).map((row, index) => {
      const sure = row.asked.length - (rows[index]!.asked.length < read ? 0 : read - askedLength);
      return { ...row, asked: row.asked.slice(0, Math.max(0, Math.min(askedLength, sure))).toWellFormed() };
    });
  }

  masked<T extends object>(value: T): T {
    const { secrets } = this.#parts;
    return secrets.length === 0 ? value : (JSON.parse(maskSecrets(JSON.stringify(value), secrets)) as T);
  }
}

function saidIn({ part, seq, message }: runs.MessageRow): Said {
  const { role, content, calls, call, sensitive } = JSON.parse(message) as ModelMessage;
  const text = sensitive ? "[released to this run alone: not shown]" : content;
  return {
    part,
    seq,
    role,
    text,
    calls: (calls ?? []).map(({ name, input }) => ({ name, input })),
    of: call?.name ?? null,
  };
}
