import * as z from "zod";

/** Issues that may come of one request. */
export const mostParts = 10;

const text = z.string().trim().min(1);

const partSchema = z.object({
  title: text.max(200),
  body: text.max(20_000),
  priority: z.enum(["P0", "P1", "P2", "P3"]).optional(),
  lens: z.string().optional(),
});

/** A piece of a larger request that one agent can do by itself. */
export type Part = z.output<typeof partSchema>;

/** The pieces that a model splits a request into; undefined when its answer is none: then the request is one piece. */
export function readPlan(input: unknown): Part[] | undefined {
  const parts = (input as { parts?: unknown } | null | undefined)?.parts;
  const { data } = z.array(partSchema).min(2).max(mostParts).safeParse(parts);
  if (data === undefined) return undefined;
  return new Set(data.map(({ title }) => title.toLowerCase())).size === data.length ? data : undefined;
}
