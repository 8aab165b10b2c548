import type { ToolSpec } from "../model-port.ts";

/** What came of a call, as the model reads it. */
export interface ToolOutcome {
  readonly text: string;
  /** The text was released to this run alone: nobody else gets to see it. */
  readonly sensitive?: true;
  /** Time that people took to decide, ms: it is not the work's. */
  readonly waited?: number;
  /** The work is done with this; the model is not asked again. */
  readonly ends?: { readonly answer: string; readonly outcome: string };
}

/** Something a model may do. Every effect on the world is one of these; what is not among a run's tools cannot be done in it. */
export interface Tool {
  readonly spec: ToolSpec;
  /** After a crash: whether a call whose outcome is not known may be made again. Then `run` goes on where it was. */
  readonly resumable?: boolean;
  /** A model is asked just now and may call it next: time to get ready. */
  prepare?(): void;
  /** Input is whatever the model sent. Throws only the signal's reason and what is wrong with this machine; a bad input is an outcome. */
  run(input: unknown, signal: AbortSignal): Promise<ToolOutcome>;
}

/** A text argument; undefined when it is missing, empty or of another type. */
export function textArgument(input: unknown, name: string): string | undefined {
  const value = (input as Record<string, unknown> | null | undefined)?.[name];
  return typeof value === "string" && value.trim() !== "" ? value : undefined;
}
