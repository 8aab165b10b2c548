import { z } from "zod";
import { teamSchema } from "./schema.ts";
import type { Path } from "./source.ts";

/** The parts of JSON Schema that the team file's schema uses. */
export interface JsonSchema {
  readonly description?: string;
  readonly type?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

/** The team file's schema for editors, draft 2020-12. */
export function teamJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(teamSchema, { io: "input" }) as JsonSchema;
  return { ...schema, title: "Olympus team file" } as JsonSchema;
}

let known: JsonSchema | undefined;

/** Keys that the map at a path may have; empty where any key may stand. */
export function knownKeys(path: Path): string[] {
  // Made once: a file with many misspelt keys asks for each.
  known ??= teamJsonSchema();
  return keysIn(known, path);
}

/** The same in another schema, a role's parameters say. */
export function keysIn(root: JsonSchema, path: Path): string[] {
  let schema: JsonSchema | undefined = root;
  for (const segment of path) {
    schema = schema?.anyOf?.find((option) => option.type !== "null") ?? schema;
    const inside: JsonSchema | boolean | undefined =
      schema?.properties?.[String(segment)] ?? schema?.items ?? schema?.additionalProperties;
    schema = typeof inside === "object" ? inside : undefined;
  }
  return Object.keys(schema?.properties ?? {});
}
