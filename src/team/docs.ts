import type { JsonSchema } from "./json-schema.ts";

/** docs/reference/team-file.md from the schema: a table for each section of the team file. */
export function teamFilePage(schema: JsonSchema): string {
  const required = new Set(schema.required);
  const sections = Object.entries(schema.properties ?? {});
  const simple = sections.filter(([, section]) => rowsOf("", inner(section)).length === 0);
  const parts = [
    "# The team file",
    "`team.yaml` describes the whole team; everything else is derived from it. YAML 1.2, indented with spaces. `npx olympus plan` tells everything that is wrong with it, each with line, column and fix, and what fits where.",
    "This page is made from the schema (`node src/team/write-docs.ts`), like [team.schema.json](team.schema.json) for editors: put `# yaml-language-server: $schema=docs/reference/team.schema.json` on the first line.",
    "Sizes are `16 GB`, `512 MB`, `1 TB` (binary units), or a number of MiB. Names are 1 to 31 lower-case letters, digits or hyphens, beginning with a letter.",
    "## Single values",
    table(simple.map(([key, section]) => row(key, section, required.has(key)))),
    ...sections.flatMap(([key, section]) => {
      const rows = rowsOf(prefixOf(key, section), inner(section));
      if (rows.length === 0) return [];
      const note = required.has(key) ? "" : " Not required.";
      return [`## ${key}`, `${section.description ?? ""}${note}`.trim(), table(rows)];
    }),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function prefixOf(key: string, section: JsonSchema): string {
  if (section.items !== undefined) return `${key}[]`;
  return typeof section.additionalProperties === "object" ? `${key}.<name>` : key;
}

/** The schema of what stands in a list or in a map of names. */
function inner(schema: JsonSchema): JsonSchema {
  if (schema.items !== undefined) return schema.items;
  return typeof schema.additionalProperties === "object" ? schema.additionalProperties : schema;
}

function rowsOf(prefix: string, schema: JsonSchema): string[][] {
  const required = new Set(schema.required);
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    const nested = rowsOf(prefixOf(path, property), inner(property));
    return [row(path, property, required.has(key)), ...nested];
  });
}

function row(path: string, schema: JsonSchema, required: boolean): string[] {
  const fallback = schema.default === undefined ? "" : `\`${JSON.stringify(schema.default).replaceAll('"', "")}\``;
  return [`\`${path}\``, wordFor(schema), required ? "required" : fallback, schema.description ?? ""];
}

/** What may stand there, in a word or two. */
function wordFor(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((word) => `\`${String(word)}\``).join(", ");
  if (schema.anyOf !== undefined) {
    const options = schema.anyOf.filter((option) => option.type !== "null");
    if (options.some((option) => JSON.stringify(option).includes("GiB"))) return "size";
    return options.map(wordFor).join(" or ");
  }
  if (schema.items !== undefined) return `list of ${wordFor(schema.items)}`;
  const words: Readonly<Record<string, string>> = {
    ipv4: "address",
    cidrv4: "network",
    email: "email",
    uri: "address on the web",
    object: "map",
    integer: "whole number",
    string: "text",
    boolean: "true or false",
  };
  return words[schema.format ?? ""] ?? words[schema.type ?? ""] ?? schema.type ?? "anything";
}

function table(rows: readonly (readonly string[])[]): string {
  const lines = rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`);
  return ["| key | value | default | meaning |", "| --- | --- | --- | --- |", ...lines].join("\n");
}
