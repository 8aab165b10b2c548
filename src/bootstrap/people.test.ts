import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { SecretStore } from "../../secrets/store.ts";
import { projectRoot } from "../base/paths.ts";
import { Secret } from "../base/secret.ts";
import { loadTeam } from "../team/load.ts";
import { chatClient } from "./client.ts";
import type { ChatSetup } from "./context.ts";
import { ensurePeople } from "./people.ts";

const team = await loadTeam(join(projectRoot, "examples/lab/team.yaml"));

/** A chat of as much as accounts need; `refused` says which requests fail: "POST /users". */
let server: Server;
let refused: (request: string, body: Record<string, string>) => boolean;
let accounts: Record<string, string>[];
let saved: Record<string, string>;
let held: Map<string, string>;
let shown: string[];

beforeEach(async () => {
  refused = () => false;
  accounts = [];
  saved = {};
  held = new Map();
  shown = [];
  server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const path = request.url!.replace("/api/v4", "").replace(/\?.*/, "");
    const body = (text === "" ? {} : JSON.parse(text)) as Record<string, string>;
    const answer = (status: number, data: unknown): void =>
      void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(data));
    if (refused(`${request.method} ${path}`, body)) return answer(500, { message: "no", status_code: 500 });
    const found = accounts.find(({ username, id }) => path.endsWith(`/${username}`) || path.includes(`/${id}`));
    if (path === "/users" && request.method === "POST") {
      const account = { ...body, id: `id-${body.username}`, roles: "system_user", delete_at: 0 } as never;
      accounts.push(account);
      return answer(201, account);
    }
    if (path === "/users/login") {
      const fits = accounts.some(({ username, password }) => username === body.login_id && password === body.password);
      return answer(fits ? 200 : 401, { message: "", status_code: 401 });
    }
    if (path.endsWith("/tokens")) return answer(200, request.method === "GET" ? [] : { id: "t", token: "token" });
    if (path === "/users/me") return answer(200, { id: "me", last_password_update: 17 });
    if (path.startsWith("/users/username/")) return answer(found ? 200 : 404, found ?? { status_code: 404 });
    return answer(200, {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => void server.close());

const secrets = {
  get: (path: string) => (held.has(path) ? new Secret(path, held.get(path)!) : undefined),
  set: (path: string, value: string) => void held.set(path, value),
  delete: (path: string) => void held.delete(path),
  save: async () => {
    saved = Object.fromEntries(held);
    return true;
  },
} as unknown as SecretStore;

async function run(): Promise<unknown> {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const setup: ChatSetup = {
    ...{ team, secrets, url, admin: chatClient(url, "admin"), signal: new AbortController().signal },
    changed: () => undefined,
    told: () => undefined,
    showPassword: (person, password) => void shown.push(`${person} ${password}`),
  };
  try {
    return await ensurePeople(setup, {});
  } catch (error) {
    return error;
  } finally {
    await secrets.save();
  }
}

/** What was shown is each account's password, in order; nothing of it is kept. */
function expectShown(...people: string[]): void {
  expect(shown).toEqual(people.map((name) => `${name} ${accounts.find((one) => one.username === name)!.password}`));
  for (const line of shown) expect(JSON.stringify(saved)).not.toContain(line.split(" ")[1]);
}

it("shows a password as soon as the account is made: a later person's failure loses none", async () => {
  refused = (request, { username }) => request === "POST /users" && username === "kim";
  expect(await run()).toMatchObject({ status_code: 500 });
  expectShown("mara");
  refused = () => false;
  expect(await run()).toMatchObject({ pending: ["mara", "kim", "olaf"] });
  expectShown("mara", "kim", "olaf");
  await run();
  expect(shown).toHaveLength(3);
});

it("an account that was made and not pinned keeps its password for the next run, which shows it", async () => {
  refused = (request) => request === "GET /users/me";
  expect(await run()).toMatchObject({ status_code: 500 });
  expect(shown).toEqual([]);
  expect(saved).toMatchObject({ "mattermost.people.mara.oneTime": accounts[0]!.password });
  expect(saved).not.toHaveProperty("mattermost.people.mara.id");
  refused = () => false;
  await run();
  expectShown("mara", "kim", "olaf");
});
