import { type Tool, textArgument } from "./tool.ts";

/** Ends a coding run. `seen` is what the harness itself found in the workspace: that is told beside the model's words, whatever they claim. */
export function submitTool(seen: (signal: AbortSignal) => Promise<string>): Tool {
  return {
    spec: {
      name: "submit",
      description:
        "Ends the task. Call it once, when everything is done and checked, or when it cannot be done. Say what you did, how you checked it, and what is left.",
      parameters: {
        type: "object",
        properties: { summary: { type: "string", description: "For the person who gave the task, in Markdown." } },
        required: ["summary"],
        additionalProperties: false,
      },
    },
    resumable: true,
    async run(input, signal) {
      const summary = textArgument(input, "summary");
      if (summary === undefined) return { text: 'error: "summary" must be a text' };
      return { text: "submitted", ends: { answer: `${summary}\n\n${await seen(signal)}`, outcome: "answered" } };
    },
  };
}
