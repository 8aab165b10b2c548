import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { exitCodes, messageOf, OlympusError } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import type { DayCost } from "../harness/store/steps.ts";
import { Access } from "./access.ts";
import { loginPage, statusPage, stylesheet } from "./page.ts";
import { type AgentStatus, isReady } from "./status.ts";

export interface DashboardOptions {
  readonly agent: string;
  readonly address: string;
  /** 0 for any free one. */
  readonly port: number;
  /** Further values of the Host header that are let in. */
  readonly hosts: readonly string[];
  readonly token: Secret;
  readonly status: () => AgentStatus;
  /** What the last days cost, today included, by day and model. */
  readonly cost: (days: number) => readonly DayCost[];
}

export interface Dashboard {
  readonly port: number;
  close(): Promise<void>;
}

const cookie = "olympus-session";
const mostBodyBytes = 4096;
/** Days that can be asked for at once. */
const mostDays = 366;
const policy = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/** The pages and their rules, apart from any port. `allowed` are the values of the Host header that are let in. */
export function dashboardApp(options: DashboardOptions, allowed: () => ReadonlySet<string>): Hono {
  const access = new Access(options.token);
  const app = new Hono();

  app.use(async (context, next) => {
    await next();
    context.header("content-security-policy", policy);
    context.header("x-content-type-options", "nosniff");
    context.header("referrer-policy", "no-referrer");
    context.header("cache-control", "no-store");
  });
  // For probes: no detail, any Host.
  app.get("/healthz", (context) => context.json({ status: "ok" }));
  app.get("/readyz", (context) => {
    const status = options.status();
    const ready = isReady(status);
    const { state } = status.tools;
    const body = { status: ready ? "ready" : "degraded", ...(state === "none" ? {} : { tools: state }) };
    return context.json(body, ready ? 200 : 503);
  });
  // A foreign Host is a rebound name; a foreign Origin is another site's page.
  app.use(async (context, next) => {
    if (!allowed().has(context.req.header("host") ?? "")) return context.text("this host name is not served here", 421);
    const origin = context.req.header("origin");
    if (origin !== undefined && !allowed().has(origin.replace(/^https?:\/\//, "")))
      return context.text("foreign origin", 403);
    return next();
  });
  app.get("/style.css", (context) => context.body(stylesheet, 200, { "content-type": "text/css" }));
  app.get("/login", (context) => context.html(loginPage(options.agent, false)));
  app.post("/login", async (context) => {
    if (Number(context.req.header("content-length") ?? mostBodyBytes + 1) > mostBodyBytes)
      return context.text("too large", 413);
    const { token } = await context.req.parseBody();
    if (typeof token !== "string" || !access.isToken(token)) return context.html(loginPage(options.agent, true), 401);
    setCookie(context, cookie, access.begin(Date.now()), { httpOnly: true, sameSite: "Strict", path: "/" });
    return context.redirect("/", 303);
  });
  app.use(async (context, next) => {
    if (admitted(context, access)) return next();
    const page = context.req.method === "GET" && (context.req.header("accept") ?? "").includes("text/html");
    return page ? context.redirect("/login", 303) : context.json({ error: "a token is needed" }, 401);
  });
  app.post("/logout", (context) => {
    access.end(getCookie(context, cookie));
    deleteCookie(context, cookie);
    return context.redirect("/login", 303);
  });
  app.get("/", (context) => context.html(statusPage(options.status())));
  app.get("/api/status", (context) => context.json(options.status()));
  app.get("/api/cost", (context) => {
    const days = Number(context.req.query("days") ?? 1);
    if (!Number.isInteger(days) || days < 1 || days > mostDays)
      return context.json({ error: `days must be a whole number from 1 to ${mostDays}` }, 400);
    return context.json({ version: 1, agent: options.agent, days: options.cost(days) });
  });
  return app;
}

function admitted(context: Context, access: Access): boolean {
  const bearer = /^Bearer (.+)$/.exec(context.req.header("authorization") ?? "")?.[1];
  if (bearer !== undefined) return access.isToken(bearer);
  return access.isSession(getCookie(context, cookie), Date.now());
}

/** Listens when it returns. Throws E-AGENT-LISTEN when the address or port cannot be had. */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  let port = options.port;
  const allowed = () => {
    const names = [options.address, options.agent, ...(isLocal(options.address) ? ["127.0.0.1", "localhost"] : [])];
    return new Set([...names.map((name) => `${name.includes(":") ? `[${name}]` : name}:${port}`), ...options.hosts]);
  };
  const app = dashboardApp(options, allowed);
  const server = await new Promise<ReturnType<typeof serve>>((resolve, reject) => {
    const started = serve({ fetch: app.fetch, hostname: options.address, port: options.port }, (info: AddressInfo) => {
      port = info.port;
      resolve(started);
    });
    started.once("error", (cause: Error) =>
      reject(
        new OlympusError(`the dashboard cannot listen on ${options.address}:${options.port}: ${messageOf(cause)}`, {
          code: "E-AGENT-LISTEN",
          exit: exitCodes.failed,
          where: `${options.address}:${options.port}`,
          hint: `see who has the port:  ss -ltnp 'sport = :${options.port}'`,
          cause,
        }),
      ),
    );
  });
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      }),
  };
}

function isLocal(address: string): boolean {
  return (
    address === "0.0.0.0" ||
    address === "::" ||
    address.startsWith("127.") ||
    address === "::1" ||
    address === "localhost"
  );
}
