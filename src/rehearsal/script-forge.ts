import type { ScriptInput } from "./script.ts";

const played = "(This is a rehearsal: a script answers in place of a language model, everything else is real.)";

/** How the rehearsal model works on a repository: it opens an issue when asked, adds a line to CHANGES.md, and finds nothing against it. */
export const forgeAnswers: ScriptInput["answers"] = [
  {
    match: "\\b(?:open|create|file|make) an issue(?: (?:to|for|that says))?:? +([^\\n]{1,150})",
    with: "create_issue",
    tools: [{ name: "create_issue", input: { title: "$1", body: `Asked for in the chat: $1\n\n${played}` } }],
  },
  {
    match: "^opened (\\S+#\\d+): (\\S+)",
    with: "create_issue",
    reply: `I opened [$1]($2). Whoever is free takes it up, and you read here what comes of it. ${played}`,
  },
  {
    match: "^Issue #(\\d+) of the repository",
    with: "submit",
    tools: [
      {
        name: "bash",
        input: {
          script: 'set -e\necho "- Issue #$1 was worked on in a rehearsal." >> CHANGES.md\ncat CHANGES.md\n',
        },
      },
    ],
  },
  {
    match: "^\\[exit code 0",
    with: "submit",
    tools: [{ name: "submit", input: { summary: `CHANGES.md has a line for it. ${played}` } }],
  },
  {
    match: "^Review \\S+#\\d+ through the lens (\\w+)",
    with: "finish_review",
    tools: [
      {
        name: "finish_review",
        input: { verdict: "pass", summary: `Nothing against it. ${played}`, findings: [] },
      },
    ],
  },
];
