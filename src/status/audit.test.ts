import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { SecretStore } from "../../secrets/store.ts";
import { projectRoot } from "../base/paths.ts";
import { Secret } from "../base/secret.ts";
import { audit, lastLink, linksAfter } from "../harness/audit/audit.ts";
import { sayHead } from "../harness/audit/head-post.ts";
import { openStore, type Store } from "../harness/store/open.ts";
import { loadTeam } from "../team/load.ts";
import type { Machine } from "../team/model.ts";
import { verifyAudit } from "./audit.ts";
import { headsOf } from "./audit-heads.ts";

/** What the agent says in place of its log. */
let instead: ((after: number) => unknown) | undefined;
let folder: string;
let agent: Server;
let store: Store;
let machine: Machine;
const secrets = { require: (path: string) => new Secret(path, "the-token") } as unknown as SecretStore;
const entries = 2500;
const verify = (heads: Parameters<typeof verifyAudit>[2] = []) =>
  verifyAudit(machine, secrets, heads, new AbortController().signal, (agent.address() as AddressInfo).port);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "olympus-audit-"));
  const example = readFileSync(join(projectRoot, "examples/lab/team.yaml"), "utf8");
  writeFileSync(join(folder, "team.yaml"), example.replaceAll("10.220.1.", "127.77.5."));
  machine = (await loadTeam(join(folder, "team.yaml"))).machines.find(({ name }) => name === "athena")!;
  store = openStore(folder);
  store.transaction(() => {
    for (let n = 0; n < entries; n++)
      audit(store, { kind: "act", actor: "harness", what: "post", subject: `p${n}` }, n);
  });
  agent = createServer((request, response) => {
    const { searchParams } = new URL(request.url!, "http://agent");
    if (instead !== undefined) return void response.end(instead(Number(searchParams.get("after"))));
    const links = linksAfter(store, Number(searchParams.get("after")), Number(searchParams.get("count")));
    response.end(JSON.stringify({ version: 1, agent: "athena", links }));
  });
  await new Promise<void>((resolve) => agent.listen(0, "127.77.5.50", resolve));
});
afterAll(() => {
  agent.close();
  store.close();
  rmSync(folder, { recursive: true });
});

it("reads a log page by page to its end and agrees with what the team was told", async () => {
  const { seq, hash } = lastLink(store)!;
  const text = sayHead("athena", { day: "2026-11-21", seq, hash });
  const { heads } = headsOf("athena", [{ agent: "athena", text, changed: false }]);
  expect(await verify(heads)).toEqual({
    agent: "athena",
    entries,
    head: hash,
    heads: 1,
    breaks: [],
    unreached: undefined,
  });
});

it.each<[string, unknown, string]>([
  ["no JSON", "<h1>hello</h1>", "its answer is not what an agent says"],
  ["nothing", "{}", "its answer is not what an agent says (version)"],
  ["no links", '{"version":1,"agent":"athena","links":[null]}', "its answer is not what an agent says (links.0)"],
])("an agent that answers with %s is told of as such, and keeps nobody from the others", async (_, answer, words) => {
  instead = () => answer;
  expect(await verify()).toMatchObject({ entries: 0, unreached: words });
  instead = undefined;
});

it("stops at the first hundred breaks of an agent that makes up entries for ever", async () => {
  let pages = 0;
  instead = (after) => {
    pages++;
    const links = Array.from({ length: 1000 }, (_, n) => ({ seq: after + n + 1, entry: "{}", hash: "x" }));
    return JSON.stringify({ version: 1, agent: "athena", links });
  };
  const { breaks, unreached } = await verify();
  expect([pages, unreached]).toEqual([1, undefined]);
  expect(breaks.length).toBeLessThan(110);
  instead = undefined;
});

it("takes nothing from posts of others, and says which head's post was changed afterwards", () => {
  const text = sayHead("athena", { day: "2026-11-21", seq: 3, hash: "a".repeat(64) });
  expect(headsOf("athena", [{ agent: "apollo", text, changed: false }])).toEqual({ heads: [], breaks: [] });
  expect(headsOf("athena", [{ agent: "athena", text, changed: true }])).toEqual({
    heads: [],
    breaks: [{ seq: 3, what: "the post that told the head of 2026-11-21 was changed afterwards" }],
  });
});

it("names the entry of which one byte was flipped in the database, whichever it is", async () => {
  const db = new DatabaseSync(join(folder, "harness.sqlite"));
  db.exec("DROP TRIGGER audit_kept");
  const set = db.prepare("UPDATE audit SET entry = ? WHERE seq = ?");
  for (let tried = 0; tried < 20; tried++) {
    const seq = 1 + Math.floor(Math.random() * entries);
    const { entry } = linksAfter(store, seq - 1, 1)[0]!;
    const bytes = Buffer.from(entry);
    const at = Math.floor(Math.random() * bytes.length);
    bytes[at]! ^= 1;
    set.run(bytes.toString("latin1"), seq);
    const { breaks } = await verify();
    expect(new Set(breaks.map((one) => one.seq)), `byte ${at} of entry ${seq}`).toEqual(new Set([seq]));
    set.run(entry, seq);
  }
  db.close();
  expect((await verify()).breaks).toEqual([]);
});
