import * as z from "zod";
import type { ToolSpec } from "../model-port.ts";
import type { Places } from "./diff.ts";

export const severities = ["blocker", "major", "minor", "note"] as const;

const findingSchema = z.object({
  path: z.string().min(1),
  line: z.int().positive(),
  severity: z.enum(severities),
  text: z.string().min(1),
});

const answerSchema = z.object({
  summary: z.string().min(1),
  verdict: z.enum(["pass", "changes"]),
  findings: z.array(findingSchema).max(100).default([]),
});

export type Finding = z.output<typeof findingSchema>;
/** What a reviewer found. A blocker is a wish for changes, whatever the verdict says. */
export type Findings = z.output<typeof answerSchema>;

export const finishReview: ToolSpec = {
  name: "finish_review",
  description:
    "Ends the review. Call it once. `changes` when something has to change before a merge; otherwise `pass`. Findings name a path and a line of the new file as shown.",
  parameters: {
    type: "object",
    properties: {
      summary: { type: "string", description: "Two to six sentences, in Markdown." },
      verdict: { type: "string", enum: ["pass", "changes"] },
      findings: {
        type: "array",
        items: {
          type: "object",
          properties: {
            path: { type: "string" },
            line: { type: "integer" },
            severity: { type: "string", enum: [...severities] },
            text: { type: "string" },
          },
          required: ["path", "line", "severity", "text"],
        },
      },
    },
    required: ["summary", "verdict", "findings"],
  },
};

/** A model's findings, or in words what is wrong with them. A single malformed finding does not lose the others. */
export function readFindings(input: unknown): Findings | string {
  const raw = input as { findings?: unknown } | null;
  const listed = Array.isArray(raw?.findings) ? raw.findings : [];
  const good = listed.filter((one) => findingSchema.safeParse(one).success).slice(0, 100);
  const parsed = answerSchema.safeParse({ ...raw, findings: good });
  if (!parsed.success)
    return parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
  if (listed.length > 0 && good.length === 0) return "no finding has path, line, severity and text";
  const blocked = good.some((one) => (one as Finding).severity === "blocker");
  return blocked ? { ...parsed.data, verdict: "changes" } : parsed.data;
}

/** Findings that stand on a line of the diff, and those that do not: the forge would refuse the whole review for one of them. */
export function place(findings: readonly Finding[], places: Places): { inline: Finding[]; elsewhere: Finding[] } {
  const on = ({ path, line }: Finding) => places.get(path)?.has(line) ?? false;
  return { inline: findings.filter(on), elsewhere: findings.filter((finding) => !on(finding)) };
}
