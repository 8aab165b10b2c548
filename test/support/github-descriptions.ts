import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { projectRoot } from "../../src/base/paths.ts";
import type { Exchange } from "../../src/rehearsal/forge/api.ts";

/** GitHub's published descriptions of its API and webhooks; each schema is compiled when it is first needed. */
type Json = { readonly [key: string]: Json } & { readonly $ref?: string };

const read = (name: string): Json =>
  JSON.parse(
    readFileSync(join(projectRoot, "node_modules/@octokit", name, "generated/api.github.com.json"), "utf8"),
  ) as Json;

const options = {
  strict: false,
  allErrors: true,
  logger: false,
  validateSchema: false,
  inlineRefs: false,
  code: { optimize: false },
} as const;

class Description {
  readonly document: Json;
  readonly #ajv: Ajv | Ajv2020;
  readonly #added = new Set<string>();
  readonly #compiled = new Map<string, ValidateFunction>();

  constructor(document: Json, ajv: Ajv | Ajv2020) {
    this.document = document;
    this.#ajv = ajv;
    addFormats.default(ajv);
  }

  /** Follows a reference within the document, if it is one. */
  follow(node: Json | undefined): Json | undefined {
    if (node?.$ref === undefined) return node;
    return node.$ref
      .slice(2)
      .split("/")
      .reduce<Json | undefined>((at, part) => at?.[part], this.document);
  }

  /** A schema in JSON Schema's own words, after the components that it refers to were added under names of their own. */
  #own(node: unknown): unknown {
    if (Array.isArray(node)) return node.map((item) => this.#own(item));
    if (typeof node !== "object" || node === null) return node;
    const { nullable, ...rest } = node as { nullable?: unknown; $ref?: unknown };
    if (typeof rest.$ref === "string" && rest.$ref.startsWith("#/")) return { $ref: this.#component(rest.$ref) };
    const own = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, this.#own(value)]));
    return nullable === true ? { anyOf: [{ type: "null" }, own] } : own;
  }

  #component(ref: string): string {
    const id = `github:${ref.slice(2).replaceAll("/", ".")}`;
    if (!this.#added.has(id)) {
      this.#added.add(id);
      this.#ajv.addSchema({ ...(this.#own(this.follow({ $ref: ref } as Json)) as object), $id: id });
    }
    return id;
  }

  /** What is wrong with a value, a line an error; `key` names the schema among those compiled before. */
  errors(key: string, schema: Json, value: unknown): string[] {
    const validate = this.#compiled.get(key) ?? this.#ajv.compile(this.#own(schema) as object);
    this.#compiled.set(key, validate);
    if (validate(value)) return [];
    return (validate.errors ?? [])
      .filter(({ instancePath, message }) => !knownWrong.test(`${key} ${instancePath} ${message}`))
      .slice(0, 8)
      .map(({ instancePath, message, params }) => `${key} ${instancePath} ${message} ${JSON.stringify(params)}`);
  }
}

/** Where GitHub itself does not keep to its description: remarks on lines that are outdated have null for both. */
const knownWrong = /\/comments 200 \/\d+\/(position|line) must be integer$/;

let api: Description | undefined;
let hooks: Description | undefined;

/** What of an exchange does not fit GitHub's description: its request, its answer, its status, its query. */
export function wrongIn({ method, route, query, request, status, response }: Exchange): string[] {
  api ??= new Description(read("openapi"), new Ajv(options));
  const operation = api.document.paths?.[route]?.[method.toLowerCase()];
  const name = `${method} ${route}`;
  if (operation === undefined) return [`${name} is not in the description`];
  const wrong: string[] = [];
  const parameters = ((operation.parameters ?? []) as unknown as Json[]).map((one) => api?.follow(one));
  const known = parameters.filter((one) => (one?.in as unknown) === "query").map((one) => String(one?.name));
  for (const key of Object.keys(query)) if (!known.includes(key)) wrong.push(`${name} has no query parameter ${key}`);
  const body = api.follow(operation.requestBody)?.content?.["application/json"]?.schema;
  // What was refused may well have been wrong.
  if (body !== undefined && request !== undefined && status < 300)
    wrong.push(...api.errors(`${name} request`, body, request));
  const answer = api.follow(operation.responses?.[String(status)]);
  // Answers of every route: not logged in, limits, nothing there, wrong.
  if (answer === undefined && ![401, 403, 404, 422, 409, 400].includes(status))
    wrong.push(`${name} never answers ${status}`);
  const schema = answer?.content?.["application/json"]?.schema;
  if (schema !== undefined && response !== undefined) wrong.push(...api.errors(`${name} ${status}`, schema, response));
  return wrong;
}

/** What of a webhook's body does not fit GitHub's description. */
export function wrongInHook(event: string, body: { readonly action?: unknown }): string[] {
  hooks ??= new Description(read("openapi-webhooks"), new Ajv2020(options));
  const dashed = event.replaceAll("_", "-");
  const name = typeof body.action === "string" ? `${dashed}-${body.action.replaceAll("_", "-")}` : dashed;
  const schema = hooks.document.webhooks?.[name]?.post?.requestBody?.content?.["application/json"]?.schema;
  return schema === undefined ? [`no webhook ${name}`] : hooks.errors(name, schema, body);
}
