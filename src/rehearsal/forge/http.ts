import { createHash } from "node:crypto";

/** A refusal as GitHub words it. `errors` are objects for "Validation Failed", strings for "Unprocessable Entity". */
export class Refusal extends Error {
  readonly status: number;
  readonly errors: readonly (string | Readonly<Record<string, string>>)[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    errors?: readonly (string | Readonly<Record<string, string>>)[],
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.errors = errors;
    this.headers = headers;
  }
}

export const notFound = (): Refusal => new Refusal(404, "Not Found");

/** 422 "Validation Failed" about a field; `message` makes it a custom one. */
export function invalid(resource: string, field: string, code = "invalid", message?: string): Refusal {
  return new Refusal(422, "Validation Failed", [
    { resource, field, code, ...(message === undefined ? {} : { message }) },
  ]);
}

export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer; a list is cut into pages by the server. */
export const ok = (body: unknown, status = 200): Reply => ({ status, body });
export const nothing: Reply = { status: 204 };

/** One page of a list, with GitHub's Link header. `page` from 1, `per_page` 1 to 100, 30 unless asked. */
export function paged(items: readonly unknown[], url: URL): { body: readonly unknown[]; link: string | undefined } {
  const number = (name: string, otherwise: number): number => {
    const value = Number(url.searchParams.get(name) ?? otherwise);
    return Number.isInteger(value) && value >= 1 ? value : otherwise;
  };
  const size = Math.min(number("per_page", 30), 100);
  const page = number("page", 1);
  const last = Math.max(1, Math.ceil(items.length / size));
  const at = (target: number): string => {
    const link = new URL(url);
    link.searchParams.set("page", String(target));
    return link.href;
  };
  const links: string[] = [];
  if (page > 1) links.push(`<${at(page - 1)}>; rel="prev"`);
  if (page < last) links.push(`<${at(page + 1)}>; rel="next"`, `<${at(last)}>; rel="last"`);
  if (page > 1) links.push(`<${at(1)}>; rel="first"`);
  return { body: items.slice((page - 1) * size, page * size), link: links.length === 0 ? undefined : links.join(", ") };
}

/** A weak validator of an answer for one token: another token's copy is not the same answer. */
export function etagOf(body: string, token: string): string {
  return `W/"${createHash("sha256").update(token).update("\0").update(body).digest("hex")}"`;
}

type Body = Readonly<Record<string, unknown>>;

/** A text of the request. Missing or blank where needed: 422 with `missing_field`; another type: GitHub's 422 about the property. */
export function textOf(body: Body, field: string, needed?: { resource: string }): string | undefined {
  const value = body[field];
  if (value === undefined || value === null) {
    if (needed !== undefined) throw invalid(needed.resource, field, "missing_field");
    return undefined;
  }
  if (typeof value !== "string") {
    throw new Refusal(422, `Invalid request.\n\nFor 'properties/${field}', ${JSON.stringify(value)} is not a string.`);
  }
  if (needed !== undefined && value.trim() === "") throw invalid(needed.resource, field, "missing_field");
  return value;
}

/** A list of texts (or of objects with `name`, as labels may be given). */
export function textsOf(body: Body, field: string): string[] | undefined {
  const value = body[field];
  if (value === undefined || value === null) return undefined;
  const list = Array.isArray(value) ? (value as unknown[]) : [value];
  return list.map((item) => {
    const name = typeof item === "object" && item !== null ? (item as Body).name : item;
    if (typeof name === "string") return name;
    throw new Refusal(422, `Invalid request.\n\nFor 'items', ${JSON.stringify(item)} is not a string.`);
  });
}

/** A whole number of the request, or undefined. */
export function numberOf(body: Body, field: string): number | undefined {
  const value = body[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && Number.isInteger(value)) return value;
  throw new Refusal(422, `Invalid request.\n\nFor 'properties/${field}', ${JSON.stringify(value)} is not an integer.`);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Cut as GitHub does: bodies hold 65,536 characters. */
export function bounded(resource: string, field: string, text: string): string {
  if (text.length > 65_536)
    throw invalid(resource, field, "custom", `${field} is too long (maximum is 65536 characters)`);
  return text;
}
