import type { IncomingMessage } from "node:http";
import type { Context, MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import type { Scope } from "../base/grants.ts";
import { type Access, lockedWords, type Visitor } from "./access/access.ts";
import { problemPage } from "./pages/outside.ts";

/** What the server and the guards tell the routes. */
export interface Env {
  Bindings: { readonly incoming?: IncomingMessage };
  Variables: { visitor: Visitor; token: string | undefined };
}

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/**
 * On every answer. The referrer stays within: with none at all browsers send `Origin: null` with our own forms, and we could not tell
 * them from foreign ones.
 */
export const headers: MiddlewareHandler<Env> = async (context, next) => {
  await next();
  context.header("content-security-policy", policy);
  context.header("x-content-type-options", "nosniff");
  context.header("referrer-policy", "same-origin");
  context.header("cross-origin-opener-policy", "same-origin");
  context.header("cross-origin-resource-policy", "same-origin");
  context.header("cache-control", "no-store");
};

type Refusal = 403 | 411 | 413 | 421 | 429 | 503;

const titles: Readonly<Record<Refusal, string>> = {
  403: "Not allowed",
  411: "Not understood",
  413: "Too much at once",
  421: "Not served here",
  429: "Wait a little",
  503: "Not just now",
};

/** What is refused, in the same words for all: browsers are shown a page, programs get what they read. */
export function refused(context: Context<Env>, status: Refusal, words: string, as: "text" | "json" = "text"): Response {
  if (isBrowser(context)) {
    const sentence = `${words[0]!.toUpperCase()}${words.slice(1).replace(/\.$/, "")}.`;
    // Under a name that is not served here, no page of ours is.
    const next = status === 421 ? undefined : "Back to";
    return context.html(problemPage(undefined, titles[status], sentence, next), status);
  }
  return as === "text" ? context.text(words, status) : context.json({ error: words }, status);
}

function isBrowser(context: Context<Env>): boolean {
  return (context.req.header("accept") ?? "").includes("text/html");
}

/**
 * Nothing foreign: another Host is a rebound name, another Origin another site's page, upgrades to other protocols included. A form must
 * say where it comes from, unless a program sends it, which has a token and no cookie.
 */
export function sameOrigin(scheme: "http" | "https", allowed: () => ReadonlySet<string>): MiddlewareHandler<Env> {
  return async (context, next) => {
    const names = allowed();
    if (!names.has(context.req.header("host") ?? "")) return refused(context, 421, "this host name is not served here");
    const origin = context.req.header("origin");
    if (origin !== undefined && !(origin.startsWith(`${scheme}://`) && names.has(origin.slice(scheme.length + 3))))
      return refused(context, 403, "foreign origin");
    const site = context.req.header("sec-fetch-site");
    const foreign = site === "cross-site" || site === "same-site";
    // A link from elsewhere may be followed; whatever else comes from there is none of ours.
    if (foreign && !(context.req.method === "GET" && context.req.header("sec-fetch-mode") === "navigate"))
      return refused(context, 403, "foreign site");
    if (context.req.method !== "GET" && context.req.method !== "HEAD" && origin === undefined && !isBearer(context))
      return refused(context, 403, "an origin is needed");
    return next();
  };
}

/** Bodies are small forms of known length. */
export function bounded(mostBytes: number): MiddlewareHandler<Env> {
  return async (context, next) => {
    if (context.req.method === "GET" || context.req.method === "HEAD") return next();
    const length = context.req.header("content-length");
    if (length === undefined) return refused(context, 411, "the length is needed");
    return Number(length) <= mostBytes ? next() : refused(context, 413, "too large");
  };
}

/** Lets in whom Access knows; browsers of others are shown the way. */
export function signedIn(access: Access, cookie: string): MiddlewareHandler<Env> {
  return async (context, next) => {
    const token = bearerOf(context);
    const visitor =
      token === undefined ? access.browser(getCookie(context, cookie)) : access.bearer(token, addressOf(context));
    if (visitor === "locked") return refused(context, 429, lockedWords, "json");
    if (visitor === undefined || visitor === "wrong") {
      const page = context.req.method === "GET" && isBrowser(context);
      return page ? context.redirect("/login", 303) : context.json({ error: "a token is needed" }, 401);
    }
    context.set("visitor", visitor);
    context.set("token", token);
    if (!visitor.scopes.includes("read")) return refused(context, 403, "this token may not read", "json");
    return next();
  };
}

/** Only for those with a scope; `byPerson`: and only in somebody's name. */
export function needs(scope: Scope, byPerson: boolean): MiddlewareHandler<Env> {
  return async (context, next) => {
    const { scopes, person } = context.get("visitor");
    if (!scopes.includes(scope)) return refused(context, 403, `this needs the scope ${scope}`, "json");
    if (byPerson && person === undefined)
      return refused(context, 403, "only a person of the team file may do this: sign in as one", "json");
    return next();
  };
}

/** Only for those who may give tasks. */
export function givesTasks(access: Access): MiddlewareHandler<Env> {
  return async (context, next) =>
    access.givesTasks(context.get("visitor").person)
      ? next()
      : refused(context, 403, "only a person who may give tasks may do this", "json");
}

/** Where a request comes from; one word for all where there is no socket (tests). */
export function addressOf(context: Context<Env>): string {
  return context.env?.incoming?.socket.remoteAddress ?? "unknown";
}

function bearerOf(context: Context<Env>): string | undefined {
  return /^Bearer (.+)$/.exec(context.req.header("authorization") ?? "")?.[1];
}

function isBearer(context: Context<Env>): boolean {
  return bearerOf(context) !== undefined;
}
