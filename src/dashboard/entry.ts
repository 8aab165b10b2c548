import type { Context, Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { Access } from "./access/access.ts";
import { icon, script, stylesheet } from "./assets.ts";
import { addressOf, bounded, type Env, sameOrigin, signedIn } from "./guards.ts";
import { type NewsKind, newsKinds } from "./news.ts";
import type { Streams } from "./stream.ts";

const mostBodyBytes = 4096;

export interface EntryOptions {
  readonly access: Access;
  readonly cookie: string;
  /** How it is served: over TLS the cookie never leaves in the open. */
  readonly scheme: "http" | "https";
  /** Values of the Host header that are let in. */
  readonly allowed: () => ReadonlySet<string>;
  /** The page of those who are not signed in; `wrong` says why the last try did not do. */
  readonly page: (wrong: string | undefined) => string;
}

/** Named after the agent: cookies do not tell ports apart, and several agents may be looked at through one address. */
export const cookieOf = (agent: string): string => `olympus-${agent}`;

/** The way in: what is added to `app` after this is only for those who signed in. */
export function entry(app: Hono<Env>, { access, cookie, scheme, allowed, page }: EntryOptions): void {
  app.use(sameOrigin(scheme, allowed));
  app.use(bounded(mostBodyBytes));
  app.get("/style.css", (context) => context.body(stylesheet, 200, { "content-type": "text/css; charset=utf-8" }));
  app.get("/app.js", (context) => context.body(script, 200, { "content-type": "text/javascript; charset=utf-8" }));
  app.get("/icon.svg", (context) => context.body(icon, 200, { "content-type": "image/svg+xml" }));
  app.get("/login", (context) => context.html(page(undefined)));
  app.post("/login", async (context) => {
    const { token, code, person } = await context.req.parseBody();
    const done =
      typeof code === "string"
        ? access.signInByCode(code, addressOf(context))
        : access.signInByToken(
            typeof token === "string" ? token : "",
            typeof person === "string" && person !== "" ? person : undefined,
            addressOf(context),
          );
    if ("wrong" in done) return context.html(page(done.wrong), 401);
    setCookie(context, cookie, done.cookie, {
      httpOnly: true,
      sameSite: "Strict",
      path: "/",
      secure: scheme === "https",
    });
    return context.redirect("/", 303);
  });
  app.use(signedIn(access, cookie));
  app.post("/logout", (context) => {
    access.sessions.end(getCookie(context, cookie));
    deleteCookie(context, cookie);
    return context.redirect("/login", 303);
  });
}

/** A stream of events, of the kinds that its address names, from where its reader was. */
export function eventsOf(context: Context<Env>, streams: Streams): Response {
  // A stream that nobody reads would keep a place for as long as the connection lasts.
  if (context.req.method === "HEAD")
    return context.body(null, 200, { "content-type": "text/event-stream; charset=utf-8" });
  const wanted = (context.req.query("kinds") ?? newsKinds.join(",")).split(",");
  const last = Number(context.req.header("last-event-id") ?? Number.NaN);
  const since = Number.isSafeInteger(last) && last >= 0 ? last : undefined;
  const kinds = new Set<NewsKind>(newsKinds.filter((kind) => wanted.includes(kind)));
  const { still } = context.get("visitor");
  const cut = () => context.env?.incoming?.socket.destroy();
  return streams.start(kinds, since, still, cut) ?? context.json({ error: "too many pages are open here" }, 503);
}
