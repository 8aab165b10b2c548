import type { Clock } from "../clock.ts";
import { assistantTurn, type ModelMessage, type ModelReply, type ModelRequest, type ToolCall } from "../model-port.ts";
import type { Tool, ToolOutcome } from "../tools/tool.ts";
import { type Breaker, formatErrors, toldOf, Watch } from "./breakers.ts";
import { maskOld, shrink } from "./history.ts";

/** One step of a model, within budgets. `messages` is what was sent in the end; `failed` says in words for people why there is none. */
export type NextStep = (
  request: Pick<ModelRequest, "system" | "messages" | "tools">,
  shrink: (messages: readonly ModelMessage[]) => readonly ModelMessage[],
  signal: AbortSignal,
) => Promise<{ reply: ModelReply; messages: readonly ModelMessage[] } | { failed: LoopEnd }>;

export interface LoopEnd {
  readonly text: string;
  /** `answered`, or why not: the run's outcome. */
  readonly outcome: string;
}

export interface LoopLimits {
  readonly steps: number;
  /** Milliseconds. */
  readonly time: number;
  /** Tokens of the model's window. */
  readonly window: number;
}

/** The conversation as it is kept over crashes, message by message. */
export interface Journal {
  load(): ModelMessage[];
  append(message: ModelMessage): void;
}

export interface LoopParts {
  readonly next: NextStep;
  readonly tools: readonly Tool[];
  readonly limits: LoopLimits;
  readonly clock: Pick<Clock, "now">;
  readonly journal: Journal;
  /** A call was run. */
  readonly ran: (call: ToolCall, outcome: ToolOutcome, tookMs: number) => void;
  /** A call of a tool that the run does not have. */
  readonly refused?: (call: ToolCall) => void;
  /** Whether a model's text without a call ends the work (a chat's answer), or is a mistake. */
  readonly textEnds: boolean;
  /** Who is called when a breaker ends the work. */
  readonly person: string | undefined;
  /** What people said meanwhile, each once: the next step is to hear it. */
  readonly heard?: () => Promise<readonly ModelMessage[]>;
}

const cutCall = "your answer was cut here, it was too long: use smaller steps";
const brokenOff = "error: the harness was restarted while this ran; it may have run in part. Look before you repeat it";
const oneTool =
  "error: nothing was called. Call one of your tools in every answer; when the task is done, call submit.";

/**
 * Asks, runs what is asked for, tells what came of it, until the work ends or a limit ends it. The history only grows at its end, but
 * for maskings. Goes on where a former process stopped. Throws only the signal's reason and what is wrong with this machine.
 */
export async function runLoop(
  parts: LoopParts,
  system: string,
  first: readonly ModelMessage[],
  signal: AbortSignal,
): Promise<LoopEnd> {
  const { limits, clock, journal, tools } = parts;
  const kept = journal.load();
  const add = (...added: readonly ModelMessage[]) => {
    for (const message of added) journal.append(message);
    messages = [...messages, ...added];
  };
  let messages: readonly ModelMessage[] = kept;
  if (kept.length === 0) add(...first);
  const watch = new Watch();
  const stop = (breaker: Breaker): LoopEnd => ({ text: toldOf(breaker, parts.person), outcome: `stopped: ${breaker}` });
  let until = clock.now() + limits.time;
  let wrong = 0;
  let open = unanswered(messages);
  for (let step = messages.filter(({ role }) => role === "assistant").length; ; step++) {
    signal.throwIfAborted();
    if (open.length === 0) {
      if (step >= limits.steps) return stop("steps");
      if (clock.now() >= until) return stop("time");
      add(...((await parts.heard?.()) ?? []));
      messages = maskOld(system, messages, limits.window);
      for (const tool of tools) tool.prepare?.();
      const result = await parts.next({ system, messages, tools: tools.map(({ spec }) => spec) }, shrink, signal);
      if ("failed" in result) return result.failed;
      const { reply } = result;
      messages = result.messages;
      const calls = reply.calls ?? [];
      const cut = reply.finish === "length";
      if (calls.length === 0 && parts.textEnds)
        return {
          text: reply.text + (cut ? "\n\n(My answer was cut here: it reached the limit for one.)" : ""),
          outcome: "answered",
        };
      add(assistantTurn(reply));
      if (calls.length === 0) {
        if (++wrong >= formatErrors) return stop("format");
        add({ role: "user", content: cut ? "error: your answer was cut, it was too long. Say less." : oneTool });
        continue;
      }
      open = calls.map((call, index) => (cut && index === calls.length - 1 ? { invalid: cutCall, ...call } : call));
    } else {
      // A former process was killed while these ran: no fault of the model's.
      const broken = open.filter(
        ({ name, invalid }) =>
          invalid === undefined && tools.some(({ spec, resumable }) => spec.name === name && !resumable),
      );
      for (const call of broken) add(outcomeOf(call, brokenOff));
      open = open.filter((call) => !broken.includes(call));
    }
    let usable = open.length === 0;
    for (const call of open) {
      signal.throwIfAborted();
      const tool = tools.find(({ spec }) => spec.name === call.name);
      const told = (content: string, sensitive?: true): void => add(outcomeOf(call, content, sensitive));
      if (tool === undefined) parts.refused?.(call);
      if (call.invalid !== undefined || tool === undefined) {
        told(
          `error: ${call.invalid ?? `there is no tool "${call.name}"; there are ${tools.map(({ spec }) => spec.name).join(", ")}`}`,
        );
        continue;
      }
      const asks = watch.asks(call);
      if (asks === "stop") return stop("repeats");
      const at = clock.now();
      const outcome = await tool.run(call.input, signal);
      until += outcome.waited ?? 0;
      parts.ran(call, outcome, clock.now() - at);
      usable = true;
      // Not in the journal: a former process that came as far makes the call again and gets the end again.
      if (outcome.ends !== undefined) return { text: outcome.ends.answer, outcome: outcome.ends.outcome };
      const got = watch.got(call, outcome.text);
      const warning =
        asks === "warn" || got === "warn"
          ? "\n[You have done this before with the same outcome. Do something else, or say that you cannot go on.]"
          : "";
      told(outcome.text + warning, outcome.sensitive);
      if (got === "stop") return stop("no progress");
    }
    if (usable) wrong = 0;
    else if (++wrong >= formatErrors) return stop("format");
    open = [];
  }
}

function outcomeOf({ id, name }: ToolCall, content: string, sensitive?: true): ModelMessage {
  return { role: "tool", content, call: { id, name }, ...(sensitive && { sensitive }) };
}

/** Calls of the last assistant's message that have no outcome. */
function unanswered(messages: readonly ModelMessage[]): ToolCall[] {
  const last = messages.findLastIndex(({ role }) => role === "assistant");
  const answered = new Set(messages.slice(last + 1).map(({ call }) => call?.id));
  return (messages[last]?.calls ?? []).filter(({ id }) => !answered.has(id));
}
