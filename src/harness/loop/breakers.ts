import { createHash } from "node:crypto";
import type { ToolCall } from "../model-port.ts";

/** Why a loop is ended by the harness. */
export type Breaker = "steps" | "time" | "repeats" | "format" | "no progress";

/** The same call in a row: told of it at the third, ended at the fifth. */
export const repeats = { warn: 3, stop: 5 } as const;
/** Calls in a row that all were made before and gave what they gave before. */
export const withoutProgress = { warn: 8, stop: 12 } as const;
/** Answers that cannot be used, in a row. */
export const formatErrors = 3;

/** Watches what a model asks for and what comes of it. */
export class Watch {
  #last = "";
  #same = 0;
  #stale = 0;
  readonly #seen = new Set<string>();

  /** Before a call is run. */
  asks(call: ToolCall): "ok" | "warn" | "stop" {
    const key = keyOf(call);
    this.#same = key === this.#last ? this.#same + 1 : 1;
    this.#last = key;
    if (this.#same >= repeats.stop) return "stop";
    return this.#same === repeats.warn ? "warn" : "ok";
  }

  /** After it. A call that was made before is progress when its outcome is another one. */
  got(call: ToolCall, text: string): "ok" | "warn" | "stop" {
    const key = createHash("sha256").update(keyOf(call)).update("\0").update(text).digest("base64");
    this.#stale = this.#seen.has(key) ? this.#stale + 1 : 0;
    this.#seen.add(key);
    if (this.#stale >= withoutProgress.stop) return "stop";
    return this.#stale === withoutProgress.warn ? "warn" : "ok";
  }
}

function keyOf({ name, input }: ToolCall): string {
  return `${name} ${JSON.stringify(sorted(input))}`;
}

/** Models change the order of fields. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return typeof value === "string" ? value.trim() : value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  );
}

/** What a person is told. */
export function toldOf(breaker: Breaker, person: string | undefined): string {
  const why = {
    steps: "I have used up the steps that one task may take",
    time: "I have used up the time that one task may take",
    repeats: `I asked for the very same thing ${repeats.stop} times in a row`,
    format: `my model gave ${formatErrors} answers in a row that could not be used`,
    "no progress": "I was going in circles: nothing new came of my last steps",
  }[breaker];
  const ask = person === undefined ? "A person has to say how to go on." : `@${person}, please say how to go on.`;
  return `I stop here: ${why}. ${ask}`;
}
