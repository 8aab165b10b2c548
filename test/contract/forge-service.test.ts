/** The rehearsal forge as a service: webhooks, limits, ETags, restarts and its pages. */

import { rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhooks } from "@octokit/webhooks";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { refusal, type TriedForge, tryForge } from "../support/forge.ts";
import { wrongInHook } from "../support/github-descriptions.ts";

const app = { owner: "zeus", repo: "app" };
let tried: TriedForge;
let receiver: Server;
let code = 200;
const github = new Webhooks({ secret: "s3cret" });
const received: { event: string; guid: string; signature: string; raw: string; body: { action?: string } }[] = [];
let now = Date.parse("2026-11-21T12:00:00Z");

beforeAll(async () => {
  tried = await tryForge({ clock: () => now });
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const raw = Buffer.concat(chunks).toString("utf8");
      const header = (name: string): string => String(request.headers[name]);
      if (code === 200)
        received.push({
          event: header("x-github-event"),
          guid: header("x-github-delivery"),
          signature: header("x-hub-signature-256"),
          raw,
          body: JSON.parse(raw) as { action?: string },
        });
      response.writeHead(code).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  await tried.forge.close();
  receiver.close();
  rmSync(tried.dir, { recursive: true });
});

const names = (): string[] =>
  received.map(({ event, body }) => (body.action === undefined ? event : `${event}.${body.action}`));
const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 60_000, interval: 20 });

test("webhooks: signed, in order, as GitHub describes them", async () => {
  const [zeus, athena] = [tried.as("token-of-zeus"), tried.as("token-of-athena")];
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  const config = { url, content_type: "json", secret: "s3cret" };
  const { data: hook } = await zeus.repos.createWebhook({ ...app, config, events: ["*"] });
  expect(hook.config.secret).toBe("********");
  expect((await refusal(athena.repos.listWebhooks(app))).status).toBe(403);
  const { data: issue } = await athena.issues.create({ ...app, title: "Hook", labels: ["bug"], assignees: ["apollo"] });
  await athena.issues.createComment({ ...app, issue_number: issue.number, body: "hi" });
  await athena.issues.update({ ...app, issue_number: issue.number, state: "closed" });
  const { data: main } = await athena.git.getRef({ ...app, ref: "heads/main" });
  await athena.git.createRef({ ...app, ref: "refs/heads/olympus/issue-1", sha: main.object.sha });
  const file = { ...app, path: "a.txt", branch: "olympus/issue-1", message: "Add", content: "YQo=" };
  await athena.repos.createOrUpdateFileContents(file);
  const { data: pull } = await athena.pulls.create({ ...app, head: "olympus/issue-1", base: "main", title: "Add" });
  const at = { ...app, pull_number: pull.number };
  const comments = [{ path: "a.txt", line: 1, side: "RIGHT", body: "x" }];
  await zeus.pulls.createReview({ ...at, event: "APPROVE", body: "good", comments });
  await athena.repos.createOrUpdateFileContents({ ...file, path: "b.txt" });
  await zeus.repos.createCommitStatus({ ...app, sha: pull.head.sha, state: "success", context: "olympus/ux" });
  await zeus.checks.create({ ...app, name: "t", head_sha: pull.head.sha, conclusion: "success" });
  await zeus.pulls.merge(at);
  const wanted = [
    ...["ping", "issues.opened", "issues.labeled", "issues.assigned", "issue_comment.created", "issues.closed"],
    ...["create", "push", "push", "pull_request.opened"],
    ...["pull_request_review.submitted", "pull_request_review_comment.created", "push", "pull_request.synchronize"],
    ...["status", "check_run.created", "check_run.completed", "pull_request.closed", "push"],
  ];
  await until(() => expect(names()).toHaveLength(wanted.length));
  expect(names()).toEqual(wanted);
  for (const { raw, signature } of received) expect(await github.verify(raw, signature)).toBe(true);
  expect(received.flatMap(({ event, body }) => wrongInHook(event, body))).toEqual([]);
});

test("C2, C3: a receiver that is down misses it; what was delivered can be seen and sent again", async () => {
  const zeus = tried.as("token-of-zeus");
  const hook_id = (await zeus.repos.listWebhooks(app)).data[0]!.id;
  code = 503;
  await zeus.issues.create({ ...app, title: "Missed" });
  const last = async () => (await zeus.repos.listWebhookDeliveries({ ...app, hook_id })).data[0];
  await vi.waitFor(async () => expect(await last()).toMatchObject({ event: "issues", status_code: 503 }), {
    timeout: 60_000,
  });
  code = 200;
  const seen = received.length;
  const { id: delivery_id, guid } = (await last())!;
  await zeus.repos.redeliverWebhookDelivery({ ...app, hook_id, delivery_id });
  await until(() => expect(received).toHaveLength(seen + 1));
  expect(received.at(-1)).toMatchObject({ guid, event: "issues" });
});

test("an unchanged answer is free, and another token's ETag is not one's own", async () => {
  const get = async (token: string, etag = "") => {
    const headers = { authorization: `Bearer ${token}`, ...(etag === "" ? {} : { "if-none-match": etag }) };
    const { status, headers: got } = await fetch(`${tried.forge.api}/repos/zeus/app/issues?state=all`, { headers });
    return { status, etag: got.get("etag") ?? "", used: Number(got.get("x-ratelimit-used")) };
  };
  const first = await get("token-of-athena");
  expect(await get("token-of-athena", first.etag)).toEqual({ status: 304, etag: first.etag, used: first.used });
  expect((await get("token-of-zeus", first.etag)).status).toBe(200);
  await tried.as("token-of-zeus").issues.create({ ...app, title: "New" });
  expect((await get("token-of-athena", first.etag)).status).toBe(200);
});

test("C12: limits say how long to wait, and end", async () => {
  const athena = tried.as("token-of-athena");
  tried.forge.limit({ contentMinute: 2 });
  const make = () => athena.issues.createComment({ ...app, issue_number: 1, body: "x" });
  now += 61_000;
  await make();
  await make();
  const headers = await make().catch(
    (error: { response: { headers: Record<string, string> } }) => error.response.headers,
  );
  expect(headers).toMatchObject({ "retry-after": "60" });
  now += 61_000;
  await make();
  tried.forge.limit({ hour: 1, contentMinute: 80 });
  expect(await refusal(athena.issues.get({ ...app, issue_number: 1 }))).toMatchObject({
    status: 403,
    message: expect.stringContaining("rate limit") as string,
  });
  expect((await athena.rateLimit.get()).data.rate.remaining).toBe(0);
  now += 3_601_000;
  expect((await athena.issues.get({ ...app, issue_number: 1 })).status).toBe(200);
  tried.forge.limit({ hour: 5000 });
});

test("everything is there after a restart", async () => {
  const before = (await tried.as("token-of-zeus").issues.listForRepo({ ...app, state: "all" })).data.map(
    ({ title }) => title,
  );
  await tried.forge.close();
  const { exchanges, wrong } = tried;
  tried = await tryForge({ dir: tried.dir, clock: () => now });
  expect(wrong).toEqual([]);
  expect(exchanges.length).toBeGreaterThan(20);
  const { data: after } = await tried.as("token-of-zeus").issues.listForRepo({ ...app, state: "all" });
  expect(after.map(({ title }) => title)).toEqual(before);
});

test("pages show what is public, as text", async () => {
  await tried
    .as("token-of-stranger")
    .issues.create({ ...app, title: "<script>alert(1)</script>", body: "<img src=x>" });
  const page = async (path: string) => {
    const response = await fetch(`${tried.forge.url}${path}`);
    return {
      status: response.status,
      text: await response.text(),
      policy: response.headers.get("content-security-policy"),
    };
  };
  expect((await page("/")).text).toContain("An &lt;b&gt;app&lt;/b&gt;");
  expect((await page("/")).text).not.toContain("zeus/secret");
  const list = await page("/zeus/app");
  expect(list.text).toContain("&lt;script&gt;");
  expect(list.text).not.toContain("<script>");
  expect(list.policy).toContain("default-src 'none'");
  expect((await page("/zeus/app/pull/2")).text).toContain("a.txt");
  expect((await page("/zeus/secret")).status).toBe(404);
});
