import { bookedCall } from "./booked-call.ts";
import { overBudget, worstCost } from "./budget.ts";
import { Circuits, type Failing } from "./circuit.ts";
import { backoff, type Clock } from "./clock.ts";
import type { AgentConfig, ModelConfig, WorkKind } from "./config.ts";
import type { Log } from "./log.ts";
import {
  type ModelCaller,
  ModelError,
  type ModelMessage,
  type ModelReply,
  type ModelRequest,
  modelName,
} from "./model-port.ts";
import { Slots } from "./slots.ts";
import type { Store } from "./store/open.ts";
import { placeTime } from "./zone.ts";

/** Tries of one model before the next one is asked. */
const triesPerModel = 2;
/** A wait that a provider asks for is granted up to this; beyond it the next model is quicker. */
const longestWaitMs = 20_000;
/** The same where no other model is left. */
const longestLastWaitMs = 120_000;

export interface RouterParts {
  readonly config: Pick<AgentConfig, "models" | "budget" | "limits" | "timezone">;
  readonly store: Store;
  readonly models: ModelCaller;
  readonly clock: Clock;
  readonly log: Log;
}

export interface RoutedRequest {
  /** Whose journal and budget the call belongs to. */
  readonly run: string;
  readonly kind: WorkKind;
  readonly request: ModelRequest;
  readonly signal: AbortSignal;
  /**
   * Makes a conversation shorter that a model found too long; undefined where it cannot be. Asked once. What it gives is sent to all
   * models after that, and is in the result.
   */
  readonly shrink?: (messages: readonly ModelMessage[]) => readonly ModelMessage[] | undefined;
}

export type RoutedReply =
  | {
      readonly ok: true;
      readonly reply: ModelReply;
      readonly choice: ModelConfig;
      /** What was sent in the end: shorter than what was given, where that was too long. */
      readonly messages: readonly ModelMessage[];
    }
  | {
      readonly ok: false;
      /** `budget`: only a budget kept every model from being asked. */
      readonly outcome: "budget" | "models failed";
      /** For people, what kept each model from answering: `anthropic/claude: overloaded`. */
      readonly reasons: readonly string[];
    };

/** A model by its name, `provider/model`, that does not answer. */
export interface ModelTrouble extends Failing {
  readonly model: string;
}

/** What came of one model: the last error, or in words why it was not asked (any more). */
type Asked = ModelReply | ModelError | { readonly why: string; readonly budget: boolean };

/**
 * The only way to a model: one call to the first model of a kind of work that answers, within the budgets, in the journal, at most so
 * many at a time. One for each agent: it remembers which providers fail.
 */
export class ModelRouter {
  readonly #parts: RouterParts;
  readonly #circuits = new Circuits();
  readonly #slots: Slots;

  constructor(parts: RouterParts) {
    this.#parts = parts;
    this.#slots = new Slots(parts.config.limits.calls);
  }

  /** Models from which there is nothing to be had just now. */
  failing(): ModelTrouble[] {
    const { config, clock } = this.#parts;
    return config.models.flatMap((choice) => {
      const failing = this.#circuits.failing(choice, clock.now());
      return failing === undefined ? [] : [{ model: modelName(choice), ...failing }];
    });
  }

  /** Never throws for what a provider or a budget does: the result says so. Throws the signal's reason when aborted. */
  async call(wanted: RoutedRequest): Promise<RoutedReply> {
    const choices = this.#parts.config.models.filter(({ for: kinds }) => kinds?.includes(wanted.kind) ?? true);
    const reasons: { choice: ModelConfig; why: string; budget: boolean }[] = [];
    let { request } = wanted;
    let shrunk = wanted.shrink === undefined;
    for (const [index, choice] of choices.entries()) {
      const patience = index + 1 === choices.length ? longestLastWaitMs : longestWaitMs;
      let outcome = await this.#ask(choice, { ...wanted, request }, patience);
      if (outcome instanceof ModelError && outcome.failure === "too long" && !shrunk) {
        shrunk = true;
        const messages = wanted.shrink?.(request.messages);
        if (messages !== undefined) {
          request = { ...request, messages };
          outcome = await this.#ask(choice, { ...wanted, request }, patience);
        }
      }
      if (outcome instanceof ModelError) reasons.push({ choice, why: outcome.failure, budget: false });
      else if ("why" in outcome) reasons.push({ choice, ...outcome });
      else return { ok: true, reply: outcome, choice, messages: request.messages };
    }
    return {
      ok: false,
      outcome: reasons.length > 0 && reasons.every(({ budget }) => budget) ? "budget" : "models failed",
      reasons:
        choices.length === 0
          ? [`no model is meant for ${wanted.kind}`]
          : reasons.map(({ choice, why }) => `${modelName(choice)}: ${why}`),
    };
  }

  /** One model, with its second try. */
  async #ask(choice: ModelConfig, wanted: RoutedRequest, patience: number): Promise<Asked> {
    const { clock, config } = this.#parts;
    let last: ModelError | undefined;
    for (let attempt = 0; attempt < triesPerModel; attempt++) {
      const now = clock.now();
      const until = this.#circuits.blockedUntil(choice, now);
      if (until !== undefined) {
        if (until - now > patience)
          return (
            last ?? { why: `left alone until ${wallTime(until, config.timezone)}, it failed before`, budget: false }
          );
        // Never earlier than asked for, and not all at the same moment.
        await clock.wait((until - now) * (1 + Math.random() / 10), wanted.signal);
      }
      let outcome: Asked;
      try {
        if (until === undefined && attempt > 0) await clock.wait(backoff(attempt - 1, 500, 5000), wanted.signal);
        outcome = await this.#slots.with(wanted.signal, () => this.#callOnce(choice, wanted));
      } catch (error) {
        // This may have been the one call that tries the provider, also where it never left.
        this.#circuits.abandoned(choice);
        throw error;
      }
      if (!(outcome instanceof ModelError)) return outcome;
      last = outcome;
      if (!last.retryable) break;
    }
    return last!;
  }

  async #callOnce(choice: ModelConfig, { run, request, signal }: RoutedRequest): Promise<Asked> {
    const { store, config, clock } = this.#parts;
    const worst = worstCost(choice, request);
    // Nothing comes between this look and the reservation: what runs side by side cannot pass a budget together.
    const over = overBudget(store, config, run, worst, clock.now());
    if (over !== undefined) {
      this.#circuits.abandoned(choice);
      return { why: over, budget: true };
    }
    const reply = await bookedCall(this.#parts, run, choice, request, worst, signal);
    if (reply instanceof ModelError) this.#circuits.failed(choice, reply, clock.now());
    else this.#circuits.succeeded(choice);
    return reply;
  }
}

function wallTime(at: number, timezone: string): string {
  const { hour, minute } = placeTime(at, timezone);
  return `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
}
