/** What a repository of the rehearsal forge begins with: a small program with its tests, which `node --test` runs. */
export const seed: Readonly<Record<string, string>> = {
  "README.md": `# greet

Greets people. A repository to rehearse on: ask an agent to open an issue, and watch it become a merged pull request.

    node greet.mjs Mara
`,
  "CHANGES.md": "# Changes\n\n- It greets.\n",
  "greet.mjs": `import { pathToFileURL } from "node:url";

export function greet(name = "world") {
  return \`Hello, \${name}!\`;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) console.log(greet(process.argv[2]));
`,
  "greet.test.mjs": `import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { greet } from "./greet.mjs";

test("greets whoever is named, and the world otherwise", () => {
  assert.equal(greet("Mara"), "Hello, Mara!");
  assert.equal(greet(), "Hello, world!");
});

test("every change is one line of the list", () => {
  const [title, empty, ...changes] = readFileSync(new URL("CHANGES.md", import.meta.url), "utf8").trimEnd().split("\\n");
  assert.deepEqual([title, empty], ["# Changes", ""]);
  for (const line of changes) assert.match(line, /^- .+\\.$/);
});
`,
};
