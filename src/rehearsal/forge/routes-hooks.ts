import { actor, type Call, type Forge, now, type Route, repoOf } from "./context.ts";
import { invalid, isObject, notFound, nothing, ok, textOf, textsOf } from "./http.ts";
import type { HookRow, RepoRow } from "./rows.ts";
import { repoUrl, repoView, userView } from "./views.ts";
import type { Webhooks } from "./webhooks.ts";

/** Webhooks of a repository and what was delivered. Secrets are shown as GitHub shows them: not at all. */
interface DeliveryRow {
  readonly id: number;
  readonly guid: string;
  readonly event: string;
  readonly action: string | null;
  readonly payload: string;
  readonly redelivery: number;
  readonly delivered_at: string;
  readonly status: string;
  readonly status_code: number;
  readonly duration: number;
  readonly request_headers: string;
  readonly response: string | null;
}

function hookView(forge: Forge, repo: RepoRow, hook: HookRow) {
  const url = `${repoUrl(forge, repo)}/hooks/${hook.id}`;
  const secret = hook.secret === null ? {} : { secret: "********" };
  return {
    type: "Repository",
    id: hook.id,
    name: "web",
    active: hook.active === 1,
    events: JSON.parse(hook.events) as string[],
    config: { url: hook.url, content_type: hook.content_type, insecure_ssl: "0", ...secret },
    updated_at: hook.updated_at,
    created_at: hook.created_at,
    url,
    test_url: `${url}/test`,
    ping_url: `${url}/pings`,
    deliveries_url: `${url}/deliveries`,
    last_response: { code: null, status: "unused", message: null },
  };
}

const deliveryView = (repo: RepoRow, row: DeliveryRow) => ({
  id: row.id,
  guid: row.guid,
  delivered_at: row.delivered_at,
  redelivery: row.redelivery === 1,
  duration: row.duration,
  status: row.status,
  status_code: row.status_code,
  event: row.event,
  action: row.action,
  installation_id: null,
  repository_id: repo.id,
  throttled_at: null,
});

const hookOf = ({ forge, params }: Call, repo: RepoRow, id = Number(params.hook_id)): HookRow => {
  const row = forge.db.get<HookRow>("SELECT * FROM hooks WHERE id = ? AND repo_id = ?", id, repo.id);
  if (row === undefined) throw notFound();
  return row;
};

const deliveryOf = (call: Call, hook: HookRow): DeliveryRow => {
  const row = call.forge.db.get<DeliveryRow>(
    "SELECT * FROM deliveries WHERE id = ? AND hook_id = ?",
    Number(call.params.delivery_id),
    hook.id,
  );
  if (row === undefined) throw notFound();
  return row;
};

function settings(body: Readonly<Record<string, unknown>>, before?: HookRow) {
  const config = isObject(body.config) ? body.config : {};
  const url = textOf(config, "url") ?? before?.url ?? "";
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw invalid("Hook", "url", "custom", "url is missing a scheme");
  const events = textsOf(body, "events") ?? (before === undefined ? ["push"] : (JSON.parse(before.events) as string[]));
  const type = textOf(config, "content_type") ?? before?.content_type ?? "form";
  const active = typeof body.active === "boolean" ? body.active : (before?.active ?? 1) === 1;
  return {
    url,
    secret: textOf(config, "secret") ?? before?.secret ?? null,
    type,
    events: JSON.stringify(events),
    active: active ? 1 : 0,
  };
}

export function hookRoutes(webhooks: Webhooks): readonly Route[] {
  const base = "/repos/{owner}/{repo}/hooks";
  const ping = (call: Call, repo: RepoRow, hook: HookRow): void => {
    const { forge } = call;
    const payload = { zen: "Practice makes perfect.", hook_id: hook.id, hook: hookView(forge, repo, hook) };
    webhooks.queue(hook, "ping", {
      ...payload,
      repository: repoView(forge, repo),
      sender: userView(forge, actor(call)),
    });
  };
  return [
    {
      method: "GET",
      path: base,
      token: "webhooks:read",
      handle(call) {
        const repo = repoOf(call, "admin");
        const rows = call.forge.db.all<HookRow>("SELECT * FROM hooks WHERE repo_id = ? ORDER BY id", repo.id);
        return ok(rows.map((row) => hookView(call.forge, repo, row)));
      },
    },
    {
      method: "POST",
      path: base,
      token: "webhooks:write",
      handle(call) {
        const { forge } = call;
        const repo = repoOf(call, "admin");
        const { url, secret, type, events, active } = settings(call.body);
        const same = forge.db.count(
          "SELECT count(*) AS n FROM hooks WHERE repo_id = ? AND url = ? AND events = ?",
          repo.id,
          url,
          events,
        );
        if (same > 0) throw invalid("Hook", "base", "custom", "Hook already exists on this repository");
        const { id } = forge.db.run(
          "INSERT INTO hooks (repo_id, url, secret, content_type, events, active, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
          repo.id,
          url,
          secret,
          type,
          events,
          active,
          now(forge),
          now(forge),
        );
        const hook = hookOf(call, repo, id);
        ping(call, repo, hook);
        return ok(hookView(forge, repo, hook), 201);
      },
    },
    {
      method: "GET",
      path: `${base}/{hook_id}`,
      token: "webhooks:read",
      handle(call) {
        const repo = repoOf(call, "admin");
        return ok(hookView(call.forge, repo, hookOf(call, repo)));
      },
    },
    {
      method: "PATCH",
      path: `${base}/{hook_id}`,
      token: "webhooks:write",
      handle(call) {
        const repo = repoOf(call, "admin");
        const { id, ...before } = hookOf(call, repo);
        const { url, secret, type, events, active } = settings(call.body, { id, ...before });
        call.forge.db.run(
          "UPDATE hooks SET url = ?, secret = ?, content_type = ?, events = ?, active = ?, updated_at = ? WHERE id = ?",
          url,
          secret,
          type,
          events,
          active,
          now(call.forge),
          id,
        );
        return ok(hookView(call.forge, repo, hookOf(call, repo)));
      },
    },
    {
      method: "DELETE",
      path: `${base}/{hook_id}`,
      token: "webhooks:write",
      handle(call) {
        const repo = repoOf(call, "admin");
        call.forge.db.run("DELETE FROM hooks WHERE id = ?", hookOf(call, repo).id);
        return nothing;
      },
    },
    {
      method: "POST",
      path: `${base}/{hook_id}/pings`,
      token: "webhooks:write",
      handle(call) {
        const repo = repoOf(call, "admin");
        ping(call, repo, hookOf(call, repo));
        return nothing;
      },
    },
    {
      method: "GET",
      path: `${base}/{hook_id}/deliveries`,
      token: "webhooks:read",
      handle(call) {
        const repo = repoOf(call, "admin");
        const hook = hookOf(call, repo);
        const rows = call.forge.db.all<DeliveryRow>(
          "SELECT * FROM deliveries WHERE hook_id = ? AND sent = 1 ORDER BY id DESC LIMIT 1000",
          hook.id,
        );
        return ok(rows.map((row) => deliveryView(repo, row)));
      },
    },
    {
      method: "GET",
      path: `${base}/{hook_id}/deliveries/{delivery_id}`,
      token: "webhooks:read",
      handle(call) {
        const repo = repoOf(call, "admin");
        const hook = hookOf(call, repo);
        const row = deliveryOf(call, hook);
        const request = {
          headers: JSON.parse(row.request_headers) as object,
          payload: JSON.parse(row.payload) as object,
        };
        return ok({
          ...deliveryView(repo, row),
          url: hook.url,
          request,
          response: { headers: {}, payload: row.response },
        });
      },
    },
    {
      method: "POST",
      path: `${base}/{hook_id}/deliveries/{delivery_id}/attempts`,
      token: "webhooks:write",
      handle(call) {
        const repo = repoOf(call, "admin");
        const hook = hookOf(call, repo);
        const row = deliveryOf(call, hook);
        webhooks.queue(hook, row.event, JSON.parse(row.payload) as object, row.guid, true);
        return ok({}, 202);
      },
    },
  ];
}
