import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { Hono } from "hono";
import type { SecretStore } from "../../secrets/store.ts";
import { grantLine } from "../base/grants.ts";
import { html } from "../base/markup.ts";
import { Secret } from "../base/secret.ts";
import { chatUrl } from "../bootstrap/url.ts";
import { Access } from "../dashboard/access/access.ts";
import { entry, eventsOf } from "../dashboard/entry.ts";
import { type Env, headers } from "../dashboard/guards.ts";
import { bareLayout } from "../dashboard/layout.ts";
import { serve } from "../dashboard/server.ts";
import { Streams } from "../dashboard/stream.ts";
import { dashboardUrl } from "../team/dashboard.ts";
import { forgePages } from "../team/forge.ts";
import { listHosts } from "../team/hosts.ts";
import type { LoadedTeam } from "../team/model.ts";
import { teamStatus } from "./status.ts";
import { type TeamView, teamPage } from "./team-page.ts";
import { TeamWatch } from "./team-watch.ts";

const everyMs = 10_000;
/** Whoever has the link: the page belongs to nobody in particular. */
const viewer = "operator";

export interface TeamDashboard {
  /** Signs in once, within two minutes. */
  readonly link: () => string;
  /** Goes on asking until `signal`. Rejects with what keeps it from asking at all. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  close(): Promise<void>;
}

/**
 * The team on one page, on this computer alone, for those who were given a link. `port` 0: any free one. Listens when it returns. Throws
 * E-AGENT-LISTEN.
 */
export async function startTeamDashboard(
  team: LoadedTeam,
  secrets: SecretStore,
  port: number,
  pauseMs = everyMs,
): Promise<TeamDashboard> {
  const watch = new TeamWatch();
  const streams = new Streams(watch);
  const token = randomBytes(24).toString("base64url");
  const people = [{ id: viewer, name: viewer, command: false, approve: [] }];
  const access = new Access(new Secret("dashboard", grantLine(token, ["read"])), people, undefined, Date.now);
  let at = port;
  const app = new Hono<Env>();
  app.use(headers);
  entry(app, {
    access,
    cookie: `olympus-team-${team.name}`,
    scheme: "http",
    allowed: () => new Set([`127.0.0.1:${at}`, `localhost:${at}`]),
    page: (wrong) => signInPage(team.name, wrong),
  });
  app.get("/", (context) => context.html(teamPage(viewOf(team, watch))));
  app.get("/api/status", (context) =>
    context.json({ version: 1, team: team.name, hosts: [...watch.hosts.values()].map(({ status }) => status) }),
  );
  app.get("/api/events", (context) => eventsOf(context, streams));
  const served = await serve(app, streams, "127.0.0.1", port);
  at = served.port;
  return {
    link: () => `http://127.0.0.1:${at}/login#${access.link(token, viewer)}`,
    run: (signal) =>
      watch.start(
        listHosts(team).map(({ name }) => name),
        (name, told) => teamStatus(team, secrets, signal, [name], told),
        () => wait(pauseMs, undefined, { signal }),
        signal,
      ),
    close: served.close,
  };
}

function viewOf(team: LoadedTeam, watch: TeamWatch): TeamView {
  return {
    team: team.name,
    now: Date.now(),
    hosts: listHosts(team).map(({ name }) => name),
    seen: watch.hosts,
    chat: team.machines.some(({ service }) => service?.services.includes("chat")) ? chatUrl(team) : undefined,
    dashboards: new Map(
      team.machines
        .filter(({ agent }) => agent !== undefined && agent.runtime !== "openclaw")
        .map((machine) => [machine.name, dashboardUrl(machine)]),
    ),
    repositories: new Map(Object.keys(team.team.repositories).map((name) => [name, `${forgePages(team)}/${name}`])),
  };
}

function signInPage(team: string, wrong: string | undefined): string {
  return bareLayout(`${team}: sign in`, [
    wrong !== undefined && html`<p class="bad" role="alert">${wrong}</p>`,
    html`<p><code>npx olympus dashboard</code> prints a link that signs you in. It can be used once.</p>
<form method="post" action="/login">
<p><label for="code">Code of such a link</label><br><input id="code" name="code" type="password" autocomplete="one-time-code" maxlength="200"></p>
<p><button>Sign in</button></p></form>`,
  ]);
}
