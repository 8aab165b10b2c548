import { type Context, Hono } from "hono";
import { every } from "hono/combine";
import type * as z from "zod";
import { Access } from "./access/access.ts";
import { acts } from "./acts.ts";
import { apiRoutes } from "./api.ts";
import { cookieOf, entry, eventsOf } from "./entry.ts";
import { type Env, givesTasks, headers, needs, refused } from "./guards.ts";
import type { Frame } from "./layout.ts";
import { metricsText } from "./metrics.ts";
import { NewsDesk } from "./news.ts";
import { conversationPage, conversationsPage } from "./pages/conversations.ts";
import { costDays, costsPage } from "./pages/costs.ts";
import { gatesPage } from "./pages/gates.ts";
import { logPage } from "./pages/log.ts";
import { memoryPage } from "./pages/memory.ts";
import { nowPage } from "./pages/now.ts";
import { loginPage, problemPage } from "./pages/outside.ts";
import { runPage } from "./pages/run.ts";
import { changesPage } from "./pages/run-changes.ts";
import { messagePage, messagesPage } from "./pages/run-messages.ts";
import { runsPage } from "./pages/runs.ts";
import { settingsPage } from "./pages/settings.ts";
import * as schemas from "./schemas.ts";
import type { DashboardOptions } from "./server.ts";
import { isReady } from "./status.ts";
import { Streams } from "./stream.ts";

/** The pages, the API and their rules, apart from any port. `allowed` are the values of the Host header that are let in. */
export function dashboardApp(options: DashboardOptions, allowed: () => ReadonlySet<string>) {
  const { look, log } = options;
  const { agent, chat } = look.config;
  const access = new Access(options.token, chat.people, options.sessionsFile, () => look.now());
  const streams = new Streams(new NewsDesk(look));
  const cookie = cookieOf(agent);
  const app = new Hono<Env>();

  app.use(headers);
  // For probes: no detail, any Host.
  app.get("/healthz", (context) => context.json({ status: "ok" } satisfies z.infer<typeof schemas.healthSchema>));
  app.get("/readyz", (context) => {
    const ready = isReady(look.status());
    const body: z.infer<typeof schemas.readySchema> = { status: ready ? "ready" : "degraded" };
    return context.json(body, ready ? 200 : 503);
  });
  // Of a process that ends, the next one answers: this one may know tokens that do not count any more.
  app.use((context, next) =>
    streams.closed ? Promise.resolve(refused(context, 503, "the agent is stopping", "json")) : next(),
  );
  const scheme = options.tls === undefined ? "http" : "https";
  entry(app, { access, cookie, scheme, allowed, page: (wrong) => loginPage(agent, wrong) });

  const frame = (context: Context<Env>): Frame => {
    const { team, models } = look.config;
    const rehearsal = models.some(({ provider }) => provider === "rehearsal");
    const { scopes, person } = context.get("visitor");
    const acts = scopes.includes("act") && person !== undefined;
    return { agent, team, rehearsal, now: look.now(), person, acts, may: acts && access.givesTasks(person) };
  };
  const missing = (context: Context<Env>) =>
    context.html(problemPage(frame(context), "Not here", "There is nothing at this address.", "Go to"), 404);
  const page = (path: string, make: (context: Context<Env>) => string | undefined) =>
    app.get(path, (context) => {
      const made = make(context);
      return made === undefined ? missing(context) : context.html(made);
    });

  page("/", (context) => nowPage(frame(context), look));
  page("/runs", (context) => runsPage(frame(context), look, queryOf(context, schemas.runsQuery)));
  page("/runs/:id", (context) =>
    runPage(frame(context), look, context.req.param("id")!, queryOf(context, schemas.skipQuery).skip),
  );
  page("/runs/:id/messages", (context) =>
    messagesPage(frame(context), look, context.req.param("id")!, queryOf(context, schemas.skipQuery).skip),
  );
  page("/runs/:id/messages/:part/:seq", (context) => {
    const { part, seq } = context.req.param() as { readonly part: string; readonly seq: string };
    const { skip } = queryOf(context, schemas.skipQuery);
    return messagePage(frame(context), look, context.req.param("id")!, { part, seq: Number(seq), skip });
  });
  page("/runs/:id/changes", (context) =>
    changesPage(frame(context), look, context.req.param("id")!, queryOf(context, schemas.skipQuery).skip),
  );
  page("/conversations", (context) =>
    conversationsPage(frame(context), look, queryOf(context, schemas.beforeQuery).before),
  );
  page("/conversations/:id", (context) =>
    conversationPage(frame(context), look, context.req.param("id")!, queryOf(context, schemas.skipQuery).skip),
  );
  page("/memory", (context) =>
    memoryPage(frame(context), look, queryOf(context, schemas.textQuery.extend(schemas.skipQuery.shape))),
  );
  page("/costs", (context) => {
    const days = Number(context.req.query("days") ?? 14);
    return costsPage(frame(context), look, costDays.find((one) => one === days) ?? 14);
  });
  page("/gates", (context) => gatesPage(frame(context), look, queryOf(context, schemas.skipQuery).skip));
  page("/log", (context) => {
    const { level, text } = queryOf(context, schemas.logQuery);
    return logPage(frame(context), look, level, text);
  });
  page("/settings", (context) => settingsPage(frame(context), look));

  for (const { path, query, answer } of apiRoutes) {
    app.get(path.replace("{id}", ":id"), (context) => {
      const parsed = query.safeParse(context.req.query());
      if (!parsed.success) return context.json({ error: wordsOf(parsed.error) }, 400);
      const found = answer(look, context.req.query(), context.req.param("id") ?? "");
      return found === undefined ? context.json({ error: "there is no such thing" }, 404) : context.json(found);
    });
  }
  app.get("/api/openapi.json", async (context) => context.json((await import("./openapi.ts")).openApi(agent)));
  app.get("/api/events", (context) => eventsOf(context, streams));
  app.get("/metrics", (context) =>
    context.body(metricsText(look), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }),
  );

  app.post("/api/links", needs("admin", false), async (context) => {
    const parsed = schemas.linkSchema.safeParse(await context.req.json().catch(() => undefined));
    if (!parsed.success) return context.json({ error: wordsOf(parsed.error) }, 400);
    const code = access.link(context.get("token") ?? "", parsed.data.person);
    if (code === undefined) return context.json({ error: "the team file has no person of this name" }, 400);
    return context.json({ version: 1, code, seconds: 120 });
  });
  for (const { path, next, act, forApprovers } of acts) {
    const guard = forApprovers ? needs("act", true) : every(needs("act", true), givesTasks(access));
    const done = async (context: Context<Env>): Promise<string | undefined> => {
      const wrong = await act(options.acts, context.req.param("id") ?? "", context.get("visitor").person!);
      if (wrong === undefined)
        log.info({ path: context.req.path, by: context.get("visitor").person }, "done from the dashboard");
      return wrong;
    };
    app.post(path, guard, async (context) => {
      const wrong = await done(context);
      if (wrong === undefined) return context.redirect(next(context.req.param("id") ?? ""), 303);
      return context.html(problemPage(frame(context), "Not done", wrong, "Back to"), 409);
    });
    app.post(`/api${path}`, guard, async (context) => {
      const wrong = await done(context);
      return wrong === undefined ? context.json({ version: 1, done: true }) : context.json({ error: wrong }, 409);
    });
  }
  // What changes something is refused before it is looked for: nobody finds out by trying what there is.
  app.post("*", needs("act", true), missing);
  app.notFound((context) => (context.get("visitor") === undefined ? context.text("not found", 404) : missing(context)));
  app.onError((error, context) => {
    if (error.name === "ZodError" || error.name === "$ZodError")
      return context.html(
        problemPage(undefined, "Not understood", "The address asks for something that cannot be.", "Back to"),
        400,
      );
    log.error({ path: context.req.path, error: String(error) }, "the dashboard could not answer");
    return context.html(
      problemPage(
        undefined,
        "This page could not be made",
        "The agent's database or disk did not answer as it should.",
        "The log says more:",
      ),
      500,
    );
  });
  return { app, streams };
}

function queryOf<Q extends z.ZodType>(context: Context<Env>, query: Q): z.output<Q> {
  return query.parse(context.req.query());
}

function wordsOf(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`).join("; ");
}
