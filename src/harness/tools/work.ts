import { type Tool, textArgument } from "./tool.ts";

/**
 * Given to chat runs of agents that develop: hands a task over to a coding run of its own, which has a shell, and gives what came of it.
 * A chat run itself never has one. Where no sandbox can be made, the tool says so in place of working.
 */
export function workTool(
  work: (task: string, signal: AbortSignal) => Promise<{ answer: string; outcome: string }>,
): Tool {
  return {
    spec: {
      name: "work",
      description:
        "Does a task that needs a computer: writing and running programs, working on files, fetching from allowed hosts. It is done in a sandbox with a shell; you get the result. Give the whole task: it knows nothing of this conversation.",
      parameters: {
        type: "object",
        properties: {
          task: { type: "string", description: "What is to be done, with everything that has to be known for it." },
        },
        required: ["task"],
        additionalProperties: false,
      },
    },
    resumable: true,
    async run(input, signal) {
      const task = textArgument(input, "task");
      if (task === undefined) return { text: 'error: "task" must be a text' };
      const { answer, outcome } = await work(task, signal);
      // A breaker's last word is for a person: no model is asked to say it in other words.
      return outcome === "answered" ? { text: answer } : { text: answer, ends: { answer, outcome } };
    },
  };
}
