import { z } from "zod";
import { sizeField } from "./fields.ts";
import { budgetSchema, modelSchema } from "./model-schema.ts";
import { roleNames } from "./roles.ts";
import { policySchema, type Team, type Template, teamSchema, templateSchema } from "./schema.ts";

/** A map as it came from YAML: anything may be in it. */
export type Raw = Readonly<Record<string, unknown>>;

/**
 * A team file that may be wrong in places. Checks read what they need from it and leave alone what is not of
 * the right type: the schema has told about that already. So one mistake hides no other.
 */
export interface Draft {
  readonly raw: Raw;
  /** Entries of a section that are maps: `["athena", {on: "r420", …}]`. */
  section(name: "hypervisors" | "agents" | "services" | "teams" | "people"): readonly (readonly [string, Raw])[];
  /** Names in a section, whether or not their entries are sound. */
  names(name: "hypervisors" | "templates" | "agents" | "services" | "teams" | "people"): readonly string[];
  readonly templates: Readonly<Record<string, Template>>;
  readonly defaults: Raw;
  readonly policy: Team["policy"] | undefined;
  /** Every role that a host may have. */
  readonly roles: readonly string[];
}

/** A value as map; an empty one for anything else. */
export function asMap(value: unknown): Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Raw) : {};
}

/** A value as list; an empty one for anything else. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A value as text; undefined for anything else. */
export function asText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** MiB of a size as written; undefined when it is none. */
export function asSize(value: unknown): number | undefined {
  return sizeField.safeParse(value).data;
}

/** A whole number above zero; undefined for anything else. */
export function asCount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value > 0 ? value : undefined;
}

const lenient = z.record(z.string(), templateSchema.optional().catch(undefined)).catch({});

/** What can be relied on in the values of a team file; `ownRoles` are those that the team has beside the project's. */
export function draftOf(value: unknown, ownRoles: Iterable<string>): Draft {
  const raw = asMap(value);
  const own = Object.entries(lenient.parse(raw.templates ?? {})).flatMap(([name, template]) =>
    template === undefined ? [] : [[name, template] as const],
  );
  return {
    raw,
    section: (name) =>
      Object.entries(asMap(raw[name])).flatMap(([key, entry]) =>
        typeof entry === "object" && entry !== null && !Array.isArray(entry) ? [[key, entry as Raw] as const] : [],
      ),
    names: (name) => Object.keys(asMap(raw[name])),
    templates: { ...teamSchema.shape.templates.parse({}), ...Object.fromEntries(own) },
    defaults: asMap(raw.defaults),
    policy: policySchema.safeParse(raw.policy).data,
    roles: [...new Set([...roleNames, ...ownRoles])],
  };
}

/** The budget of an entry, when it is a sound one. */
export function budgetOf(value: unknown): z.output<typeof budgetSchema> | undefined {
  return budgetSchema.safeParse(value).data;
}

/** A model of a list, when it is a sound one. */
export function modelOf(value: unknown): z.output<typeof modelSchema> | undefined {
  return modelSchema.safeParse(value).data;
}
