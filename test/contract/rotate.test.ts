/** Rotation against the real services: Mattermost's tokens and PostgreSQL's passwords, and what killed runs leave of them. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { openSecrets, type SecretStore } from "../../secrets/store.ts";
import { silentReporter } from "../../src/base/report.ts";
import { loginAsAdmin } from "../../src/bootstrap/admin.ts";
import { chatClient } from "../../src/bootstrap/client.ts";
import { bootstrap } from "../../src/bootstrap/index.ts";
import { scramVerifier } from "../../src/converge/operations/postgresql.ts";
import { type RotateContext, rotationOf, runRotation } from "../../src/rotate/index.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { fakeHosts } from "../support/fake-hosts.ts";
import { dyingStore, type Effect, killedEverywhere } from "../support/killed.ts";
import { canariesOf, secretsIn } from "../support/leaks.ts";
import { type MattermostServer, startMattermost } from "../support/mattermost.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { labTeam } from "../support/team.ts";

// Some dozen rotations in one test; psql of Debian is a script that takes its time.
vi.setConfig({ testTimeout: 600_000 });

const path = "mattermost.bots.athena.token";
const { signal } = new AbortController();
let team: LoadedTeam;
let first: SecretStore;
let folder = "";

beforeAll(async () => {
  ({ team, secrets: first, folder } = await labTeam());
});
afterAll(() => rmSync(folder, { recursive: true }));

const context = (secrets: SecretStore, more: Partial<RotateContext>): RotateContext => ({
  team,
  secrets,
  signal,
  reporter: silentReporter(),
  apply: () => Promise.resolve(),
  chatUrl: "",
  ...more,
});
const noValue = () => Promise.reject(new Error("nobody is asked"));

describe("a bot's token in a real Mattermost", () => {
  let server: MattermostServer;
  /** What the agent was handed last. */
  let handed = "";

  beforeAll(async () => {
    server = await startMattermost();
    await bootstrap({ team, secrets: first, reporter: silentReporter(), signal, url: server.url });
    handed = first.require(path).reveal();
  });
  afterAll(() => server?.stop());

  const takes = async (token: string): Promise<boolean> => {
    const response = await fetch(`${server.url}/api/v4/users/me`, { headers: { authorization: `Bearer ${token}` } });
    return response.ok;
  };
  const rotate = async (effect: Effect): Promise<void> => {
    const secrets = dyingStore(await openSecrets(team), effect);
    const apply = () =>
      effect(async () => {
        handed = secrets.require(path).reveal();
      });
    const chat = context(secrets, { chatUrl: server.url, apply });
    await runRotation(rotationOf(path, chat, noValue), chat);
  };
  const saved = async (name: string): Promise<string | undefined> => (await openSecrets(team)).get(name)?.reveal();

  test("the new one works before the old one ends, which then opens nothing", async () => {
    const old = handed;
    const socket = await connected(server, old);
    let both = false;
    const secrets = await openSecrets(team);
    const apply = async () => {
      handed = secrets.require(path).reveal();
      both = (await takes(old)) && (await takes(handed));
    };
    const chat = context(secrets, { chatUrl: server.url, apply });
    await runRotation(rotationOf("mattermost.bots.athena", chat, noValue), chat);
    expect([both, await takes(old), await takes(handed)]).toEqual([true, false, true]);
    socket.close();
  });

  test("killed anywhere, the agent's token works; run again, there is exactly one", async () => {
    const kills = await killedEverywhere(
      async () => (await saved(path))!,
      (_, effect) => rotate(effect),
      async (old) => {
        expect(await takes(handed)).toBe(true);
        const unfinished = (await saved(`rotation.${path}`)) !== undefined || (await saved(path)) === old;
        if (unfinished) await rotate((work) => work());
        expect(handed).toBe(await saved(path));
        expect([await takes(handed), await takes(old)]).toEqual([true, false]);
        const { admin } = await loginAsAdmin(server.url, team, await openSecrets(team));
        const id = (await saved("mattermost.bots.athena.id"))!;
        expect(await admin.getUserAccessTokensForUser(id, 0, 200)).toHaveLength(1);
      },
    );
    expect(kills).toBeGreaterThan(4);
  });

  test("tokens that people made for the bot themselves are left alone", async () => {
    const { admin } = await loginAsAdmin(server.url, team, await openSecrets(team));
    const { token } = await admin.createUserAccessToken((await saved("mattermost.bots.athena.id"))!, "mara's script");
    await rotate((work) => work());
    expect(await takes(token!)).toBe(true);
  });

  test("the server's own log has none of the tokens", async () => {
    expect(server.log()).toContain("/api/v4");
    expect(secretsIn(server.log(), canariesOf((await openSecrets(team)).all()))).toEqual([]);
  });

  test("a chat that is down: told so, nothing is lost, and run again it ends", async () => {
    const old = handed;
    await server.kill();
    await expect(rotate((work) => work())).rejects.toMatchObject({ code: "E-CHAT-DOWN", exit: 4, where: server.url });
    expect(await saved(path)).toBe(old);
    await server.start();
    await rotate((work) => work());
    expect([await takes(old), await takes(handed)]).toEqual([false, true]);
  });
});

describe("the administrator's password in a real Mattermost", () => {
  const name = "mattermost.admin.password";
  let server: MattermostServer;

  beforeAll(async () => {
    server = await startMattermost();
    await loginAsAdmin(server.url, team, await openSecrets(team));
  });
  afterAll(() => server?.stop());
  afterEach(() => vi.unstubAllGlobals());

  const takes = async (password: string): Promise<boolean> => {
    const body = JSON.stringify({ login_id: "olympus-admin", password });
    return (await fetch(`${server.url}/api/v4/users/login`, { method: "POST", body })).ok;
  };
  const saved = async (path: string): Promise<string | undefined> => (await openSecrets(team)).get(path)?.reveal();
  const rotate = async (effect: Effect): Promise<void> => {
    const { fetch: plain } = globalThis;
    // What only looks is no chance of its own.
    vi.stubGlobal("fetch", (...words: Parameters<typeof fetch>) =>
      words[1]?.method?.toUpperCase() === "PUT" ? effect(() => plain(...words)) : plain(...words),
    );
    const chat = context(dyingStore(await openSecrets(team), effect), { chatUrl: server.url });
    await runRotation(rotationOf(name, chat, noValue), chat).finally(() => vi.unstubAllGlobals());
  };

  test("killed anywhere, commands get in; run again, the new one opens the chat and the old one nothing", async () => {
    const kills = await killedEverywhere(
      async () => (await saved(name))!,
      (_, effect) => rotate(effect),
      async (old) => {
        await loginAsAdmin(server.url, team, await openSecrets(team));
        if ((await saved(`rotation.${name}`)) !== undefined || (await saved(name)) === old)
          await rotate((work) => work());
        expect([await takes((await saved(name))!), await takes(old)]).toEqual([true, false]);
        expect(await saved(`rotation.${name}`)).toBeUndefined();
      },
    );
    expect(kills).toBe(6);
  });

  test("no session of the rotation's own is left open", async () => {
    const login = async () => (await loginAsAdmin(server.url, team, await openSecrets(team))).admin;
    const before = await login();
    await before.revokeAllSessionsForUser((await before.getMe()).id);
    await rotate((work) => work());
    const after = await login();
    expect(await after.getSessions((await after.getMe()).id)).toHaveLength(1);
  });

  test("one that was changed in the chat by hand is told, with what to do", async () => {
    const secrets = await openSecrets(team);
    secrets.set(name, "wrong-Password-1");
    const chat = context(secrets, { chatUrl: server.url });
    await expect(runRotation(rotationOf(name, chat, noValue), chat)).rejects.toMatchObject({
      code: "E-CHAT-LOGIN",
      hint: expect.stringContaining("npx olympus secrets set mattermost.admin.password"),
    });
    expect(await saved(`rotation.${name}`)).toBeUndefined();
  });
});

/** The bot's own connection, as an agent has it. */
async function connected(server: MattermostServer, token: string): Promise<WebSocket> {
  expect((await chatClient(server.url, token).getMe()).username).toBe("athena");
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/api/v4/websocket`);
  await once(socket, "open");
  return socket;
}

describe("the chat's password in a real PostgreSQL", () => {
  const name = "postgresql.mattermost";
  let postgres: PostgresServer;
  let outside = "";
  let place = "";

  const sql = (text: string): string =>
    execFileSync("psql", ["-h", place, "-p", String(postgres.port), "-U", "postgres", "-XAtc", text], {
      encoding: "utf8",
    });
  const letsIn = (password: string): boolean => {
    try {
      const words = ["-w", "-h", "127.0.0.1", "-p", String(postgres.port), "-U", "mattermost", "-XAtc", "select 1"];
      return (
        execFileSync("psql", [...words, "mattermost"], {
          env: { ...process.env, PGPASSWORD: password },
          stdio: ["ignore", "pipe", "ignore"],
        }).length > 0
      );
    } catch {
      return false;
    }
  };
  const setPassword = (secrets: SecretStore): void => {
    sql(`alter role mattermost password '${scramVerifier("mattermost", secrets.require(name).reveal())}'`);
  };

  beforeAll(async () => {
    // Not below the team's folder, which the server's own account may not look into.
    outside = mkdtempSync(join(tmpdir(), "olympus-rotate-"));
    place = join(outside, "server");
    postgres = await startPostgres(place);
    await postgres.createDatabase("mattermost");
    writeFileSync(join(place, "data/pg_hba.conf"), "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
    sql("select pg_reload_conf()");
    setPassword(first);
    team = {
      ...team,
      machines: team.machines.map((one) =>
        one.name === "agora" ? { ...one, roles: { ...one.roles, postgresql: { port: postgres.port } } } : one,
      ),
    };
  });
  afterAll(async () => {
    await postgres?.stop();
    rmSync(outside, { recursive: true, force: true });
  });

  const rotate = async (effect: Effect, bring = setPassword): Promise<void> => {
    const secrets = dyingStore(await openSecrets(team), effect);
    const hosts = fakeHosts(mkdtempSync(join(folder, "host-")));
    hosts.setKeys("agora", secrets.require("ssh.deploy.public").reveal());
    const played = context(secrets, {
      connect: hosts.connect(effect),
      apply: () => effect(async () => bring(secrets)),
    });
    await runRotation(rotationOf(name, played, noValue), played);
  };
  const saved = async (): Promise<string> => (await openSecrets(team)).require(name).reveal();

  test("the old password opens nothing any more; a connection that was open goes on", async () => {
    const old = await saved();
    expect(letsIn(old)).toBe(true);
    const open = spawn(
      "psql",
      ["-w", "-h", "127.0.0.1", "-p", String(postgres.port), "-U", "mattermost", "-XAt", "mattermost"],
      {
        env: { ...process.env, PGPASSWORD: old },
        stdio: ["pipe", "pipe", "inherit"],
      },
    );
    open.stdin.write("select 'before';\n");
    expect(String((await once(open.stdout, "data"))[0])).toBe("before\n");
    await rotate((work) => work());
    expect([letsIn(old), letsIn(await saved())]).toEqual([false, true]);
    open.stdin.end("select 'after';\n");
    expect(String((await once(open.stdout, "data"))[0])).toBe("after\n");
  });

  test("killed anywhere, one of the two known passwords works; run again, only the new one", async () => {
    const kills = await killedEverywhere(
      saved,
      (_, effect) => rotate(effect),
      async (old) => {
        const secrets = await openSecrets(team);
        const kept = secrets.get(`rotation.${name}`)?.reveal();
        const known = [await saved(), ...(kept === undefined ? [] : [kept])];
        expect(known.some(letsIn)).toBe(true);
        if (kept !== undefined || (await saved()) === old) await rotate((work) => work());
        expect([letsIn(await saved()), letsIn(old)]).toEqual([true, false]);
      },
    );
    expect(kills).toBeGreaterThan(6);
  });

  test("a server that cannot be asked: told in its own words, without the password", async () => {
    await postgres.stop();
    const error = await rotate(
      (work) => work(),
      () => undefined,
    ).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "E-ROTATE",
      where: "agora",
      message: expect.stringMatching(/could not be tried: .*refused/s),
    });
    expect(String(error)).not.toContain(await saved());
  });
});
