/** The harness's forge on GitHub's API, as the rehearsal forge plays it. */
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { systemClock } from "../../src/harness/clock.ts";
import { agentConfigSchema, type ForgeConfig } from "../../src/harness/config.ts";
import { github } from "../../src/harness/forge/github.ts";
import { Poller } from "../../src/harness/forge/poller.ts";
import { receiveWebhooks, type WebhookReceiver } from "../../src/harness/forge/webhook.ts";
import { type Forge, ForgeError, type ForgeIssue } from "../../src/harness/forge-port.ts";
import { silentLog } from "../../src/harness/log.ts";
import { openStore, type Store } from "../../src/harness/store/open.ts";
import { type TriedForge, tryForge } from "../support/forge.ts";

const app = "zeus/app";
let tried: TriedForge;
let dir: string;
let store: Store;

beforeAll(async () => {
  tried = await tryForge();
  dir = mkdtempSync(join(tmpdir(), "olympus-harness-forge-"));
  store = openStore(dir);
});

afterAll(async () => {
  await tried.forge.close();
  store.close();
  rmSync(dir, { recursive: true });
  rmSync(tried.dir, { recursive: true });
  // What was asked and answered fits GitHub's description.
  expect(tried.wrong).toEqual([]);
});

const as = (token: string, on: Store = store): Forge =>
  github({
    api: tried.forge.api,
    token: new Secret("token", token),
    store: on,
    clock: Date,
    log: silentLog,
    spaced: false,
  });
const athena = () => as("token-of-athena");
const zeus = () => as("token-of-zeus");

/** Requests that the forge counts for athena. */
async function counted(work: () => Promise<unknown>): Promise<number> {
  const used = async () => (await tried.as("token-of-athena").rateLimit.get()).data.rate.used;
  const before = await used();
  await work();
  return (await used()) - before;
}

describe("GitHub as the harness's forge", () => {
  test("issues: made, labelled, assigned, commented, closed; who did what is told", async () => {
    const forge = athena();
    expect(await forge.account()).toMatchObject({ login: "athena", bot: false });
    expect(await forge.repo(app)).toMatchObject({ name: app, defaultBranch: "main", private: false });
    const made = await forge.createIssue(app, { title: "t", body: "b", labels: ["olympus"], assignees: ["apollo"] });
    expect(made).toMatchObject({ title: "t", labels: ["olympus"], assignees: ["apollo"], open: true, isPull: false });
    await zeus().addLabels(app, made.number, ["P1"]);
    await zeus().unassign(app, made.number, ["apollo"]);
    await zeus().assign(app, made.number, ["athena"]);
    const events = await forge.events(app, made.number);
    expect(events.map(({ kind, actor, subject }) => `${actor.login} ${kind} ${subject}`)).toEqual(
      expect.arrayContaining(["athena labeled olympus", "zeus labeled P1", "zeus assigned athena"]),
    );
    const said = await forge.comment(app, made.number, "hello");
    await forge.editComment(app, said.id, "changed");
    expect((await forge.comments(app, made.number)).map(({ body }) => body)).toEqual(["changed"]);
    await forge.removeLabel(app, made.number, "P1");
    await forge.removeLabel(app, made.number, "P1");
    expect((await forge.issuesLabelled(app, "olympus")).map(({ number }) => number)).toEqual([made.number]);
    await forge.closeIssue(app, made.number);
    expect(await forge.issue(app, made.number)).toMatchObject({ open: false, labels: ["olympus"] });
  });

  test("a branch is made by one only; what is not there is told apart from what is refused", async () => {
    const forge = athena();
    const sha = (await forge.branch(app, "main"))!;
    const won = await Promise.all(
      [athena(), as("token-of-apollo")].map((one) => one.createBranch(app, "olympus/issue-9", sha)),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await forge.branches(app, "olympus/")).toEqual([{ name: "olympus/issue-9", sha }]);
    await forge.deleteBranch(app, "olympus/issue-9");
    await forge.deleteBranch(app, "olympus/issue-9");
    expect(await forge.branch(app, "olympus/issue-9")).toBeUndefined();
    await expect(forge.issue(app, 9999)).rejects.toMatchObject({ kind: "missing" });
    await expect(as("wrong").account()).rejects.toMatchObject({ kind: "unauthorised" });
    await expect(forge.createBranch(app, "x", "0".repeat(40))).rejects.toMatchObject({ kind: "refused" });
    expect(await forge.file(app, "README.md", "main")).toContain("# app");
    expect(await forge.file(app, "none", "main")).toBeUndefined();
    await expect(forge.protection(app, "main")).rejects.toMatchObject({ kind: "refused" });
    expect(await zeus().protection(app, "main")).toBeUndefined();
  });

  test("pull requests: opened once, reviewed, given a status, merged at their head only", async () => {
    const forge = athena();
    const sha = (await forge.branch(app, "main"))!;
    await forge.createBranch(app, "olympus/issue-7", sha);
    await tried.as("token-of-athena").repos.createOrUpdateFileContents({
      owner: "zeus",
      repo: "app",
      path: "new.txt",
      branch: "olympus/issue-7",
      message: "m",
      content: Buffer.from("one\ntwo\n").toString("base64"),
    });
    const wish = { title: "t", body: "b", head: "olympus/issue-7", base: "main", draft: false };
    const pull = await forge.openPull(app, wish);
    expect((await forge.openPull(app, wish)).number).toBe(pull.number);
    expect(pull).toMatchObject({ state: "open", head: { branch: "olympus/issue-7", repo: app } });
    expect(await forge.files(app, pull.number)).toMatchObject([{ path: "new.txt", additions: 2 }]);
    expect(await forge.compare(app, sha, pull.head.sha)).toMatchObject([{ path: "new.txt" }]);
    const apollo = as("token-of-apollo");
    const review = { sha: pull.head.sha, verdict: "request_changes" as const, body: "no" };
    await apollo.submitReview(app, pull.number, { ...review, comments: [{ path: "new.txt", line: 2, body: "why?" }] });
    expect(await forge.reviews(app, pull.number)).toMatchObject([{ state: "changes_requested", sha: pull.head.sha }]);
    expect(await forge.reviewComments(app, pull.number)).toMatchObject([{ path: "new.txt", line: 2, body: "why?" }]);
    await apollo.setStatus(app, pull.head.sha, {
      context: "olympus/ux",
      state: "success",
      description: "d".repeat(200),
      url: undefined,
    });
    expect(await forge.statuses(app, pull.head.sha)).toMatchObject([{ context: "olympus/ux", state: "success" }]);
    await forge.requestReviews(app, pull.number, ["apollo"]);
    await expect(forge.merge(app, pull.number, sha, "t")).rejects.toMatchObject({ kind: "refused" });
    const merged = await forge.merge(app, pull.number, pull.head.sha, "t");
    expect(await forge.pull(app, pull.number)).toMatchObject({ state: "merged", mergedSha: merged });
    expect((await forge.pullsOf(app, "olympus/issue-7")).map(({ number }) => number)).toEqual([pull.number]);
  });

  test("what did not change costs nothing, also for the next process; what changed is seen", async () => {
    const forge = athena();
    await forge.changed(app, 0);
    expect(await counted(() => forge.changed(app, 0))).toBe(0);
    expect(await forge.changed(app, 0)).toBeUndefined();
    expect(await counted(() => athena().issue(app, 1))).toBeLessThanOrEqual(1);
    expect(await counted(() => as("token-of-athena").issue(app, 1))).toBe(0);
    await zeus().comment(app, 1, "news");
    expect((await forge.changed(app, 0))?.map(({ number }) => number)).toContain(1);
  });

  test("C12 limits are told with the time to wait, and nothing that makes something is sent twice", async () => {
    // Somebody else's token: it is refused for the next minute.
    const forge = as("token-of-stranger");
    tried.forge.limit({ contentMinute: 0, retryAfter: 61 });
    const at = tried.exchanges.length;
    await expect(forge.comment(app, 1, "once")).rejects.toMatchObject({ kind: "retry", retryAfterMs: 61_000 });
    tried.forge.limit({ contentMinute: 80 });
    expect(tried.exchanges.slice(at).filter(({ method }) => method === "POST").length).toBeLessThanOrEqual(1);
    expect((await zeus().comments(app, 1)).map(({ body }) => body)).not.toContain("once");
  });
});

const secret = new Secret("webhook", "webhook-secret");

function settings(): ForgeConfig {
  return agentConfigSchema.shape.forge.unwrap().parse({
    api: tried.forge.api,
    login: "athena",
    tokenFile: "t",
    keyFile: "k",
    name: "athena",
    email: "athena@x.example",
    repositories: [{ name: app }],
    every: 3600,
  });
}

/** A poller that notes what it saw, by number. */
function watching(on: Store): { poller: Poller; seen: ForgeIssue[] } {
  const seen: ForgeIssue[] = [];
  const taker = { wants: () => ({}), take: ({ issue }: { issue: ForgeIssue }) => void seen.push(issue) };
  const parts = {
    config: settings(),
    forge: as("token-of-athena", on),
    store: on,
    clock: systemClock(),
    log: silentLog,
  };
  return { seen, poller: new Poller({ ...parts, takers: [taker], wake: () => undefined }) };
}

describe("looking at repositories, and hints", () => {
  let receiver: WebhookReceiver;
  const hints: string[] = [];
  beforeAll(async () => {
    receiver = await receiveWebhooks({ address: "127.0.0.1", port: 0, secret }, (repo) => hints.push(repo), silentLog);
  });
  afterAll(() => receiver.close());

  const sign = (body: string): string => `sha256=${createHmac("sha256", secret.reveal()).update(body).digest("hex")}`;
  const post = (body: string, headers: Record<string, string>, port = receiver.port) =>
    fetch(`http://127.0.0.1:${port}/`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    }).then(({ status }) => status);
  const body = JSON.stringify({ action: "opened", repository: { full_name: app } });

  test("an empty line of the secret is no key", async () => {
    const torn = new Secret(secret.name, `\n${secret.reveal()}\n\n`);
    const its = await receiveWebhooks({ address: "127.0.0.1", port: 0, secret: torn }, () => undefined, silentLog);
    const empty = `sha256=${createHmac("sha256", "").update(body).digest("hex")}`;
    expect(await post(body, { "x-hub-signature-256": empty }, its.port)).toBe(401);
    expect(await post(body, { "x-hub-signature-256": sign(body) }, its.port)).toBe(202);
    await its.close();
  });

  test("C1 a bad, missing or sha1 signature, a large and a slow body are refused and have no effect", async () => {
    expect(await post(body, {})).toBe(401);
    expect(await post(body, { "x-hub-signature-256": sign(`${body} `) })).toBe(401);
    expect(await post(body, { "x-hub-signature": "sha1=x" })).toBe(401);
    const large = await new Promise<number>((resolve, reject) => {
      const headers = {
        "content-type": "application/json",
        "content-length": 30_000_000,
        "x-hub-signature-256": sign(""),
      };
      const sent = request({ port: receiver.port, host: "127.0.0.1", method: "POST", headers }, (answer) => {
        resolve(answer.statusCode ?? 0);
        sent.destroy();
      });
      sent.once("error", reject);
      sent.write("{");
    });
    expect(large).toBe(413);
    const slow = await new Promise<string>((resolve, reject) => {
      const socket = connect(receiver.port, "127.0.0.1");
      socket.write(
        `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-hub-signature-256: ${sign(body)}\r\ncontent-length: 100\r\n\r\n{`,
      );
      socket.once("data", (data) => {
        resolve(data.toString().split("\r\n")[0]!);
        socket.destroy();
      });
      socket.once("error", reject);
    });
    expect(slow).toContain("408");
    expect(hints).toEqual([]);
  }, 60_000);

  test("C4 a right one is answered at once, with a hint, whatever becomes of that", async () => {
    expect(await post(body, { "x-hub-signature-256": sign(body) })).toBe(202);
    await expect.poll(() => hints).toEqual([app]);
    let begun = 0;
    const endless = await receiveWebhooks(
      { address: "127.0.0.1", port: 0, secret },
      () => {
        begun++;
        return new Promise(() => undefined);
      },
      silentLog,
    );
    // More than are read at the same time.
    for (let n = 1; n <= 20; n++) {
      const at = performance.now();
      expect(await post(body, { "x-hub-signature-256": sign(body) }, endless.port)).toBe(202);
      expect(performance.now() - at).toBeLessThan(1000);
      await expect.poll(() => begun).toBe(n);
    }
    await endless.close();
  });

  test("C12 a look that a limit cut off is made whole by the next process, though nothing changed since", async () => {
    const own = mkdtempSync(join(tmpdir(), "olympus-poller-"));
    const data = openStore(own);
    const made = await zeus().createIssue(app, { title: "cut off", body: "", labels: [], assignees: [] });
    const seen: number[] = [];
    let cut = true;
    const take = ({ issue }: { issue: ForgeIssue }): void => {
      if (cut) throw new ForgeError("retry", "the limit is reached");
      seen.push(issue.number);
    };
    const look = () =>
      new Poller({
        config: settings(),
        forge: as("token-of-athena", data),
        store: data,
        clock: systemClock(),
        log: silentLog,
        takers: [{ wants: () => ({}), take }],
        wake: () => undefined,
      }).look({ name: app, label: "olympus" });
    await expect(look()).rejects.toThrow("limit");
    cut = false;
    await look();
    expect(seen.filter((number) => number === made.number)).toHaveLength(1);
    data.close();
    rmSync(own, { recursive: true });
  });

  test("C2 C3 what happened while nobody listened is found, once; a hint is looked into at once; the same again leads to nothing", async () => {
    const own = mkdtempSync(join(tmpdir(), "olympus-poller-"));
    const data = openStore(own);
    const before = watching(data);
    await before.poller.look({ name: app, label: "olympus" });
    const missed = await zeus().createIssue(app, { title: "missed", body: "", labels: [], assignees: [] });
    // The next process.
    const { poller, seen } = watching(data);
    poller.start();
    const times = (number: number) => seen.filter((issue) => issue.number === number).length;
    await expect.poll(() => times(missed.number), { timeout: 30_000 }).toBe(1);
    const next = await zeus().createIssue(app, { title: "next", body: "", labels: [], assignees: [] });
    poller.hint(app);
    poller.hint(app.toUpperCase());
    await expect.poll(() => times(next.number), { timeout: 30_000 }).toBe(1);
    poller.hint(app);
    await poller.look({ name: app, label: "olympus" });
    expect([times(missed.number), times(next.number)]).toEqual([1, 1]);
    // The same delivery twice, as the forge sends one that it took for lost.
    const told = await receiveWebhooks(
      { address: "127.0.0.1", port: 0, secret },
      (name) => poller.hint(name),
      silentLog,
    );
    const delivered = await zeus().createIssue(app, { title: "delivered", body: "", labels: [], assignees: [] });
    const headers = { "x-hub-signature-256": sign(body), "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958" };
    expect(await post(body, headers, told.port)).toBe(202);
    await expect.poll(() => times(delivered.number), { timeout: 30_000 }).toBe(1);
    expect(await post(body, headers, told.port)).toBe(202);
    await poller.look({ name: app, label: "olympus" });
    expect(times(delivered.number)).toBe(1);
    await told.close();
    await poller.stop();
    data.close();
    rmSync(own, { recursive: true });
  });
});
