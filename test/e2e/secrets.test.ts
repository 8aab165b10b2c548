/** Secrets on real machines with a real chat, all by the command line: rotation, and that no secret is seen where it does not belong. */
import { execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { generateSshKeyPair } from "../../secrets/ssh-keys.ts";
import { openSecrets } from "../../secrets/store.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { Secret } from "../../src/base/secret.ts";
import { chatClient } from "../../src/bootstrap/client.ts";
import { connectSsh } from "../../src/ssh/connect.ts";
import { watchArguments } from "../support/argv-watcher.ts";
import { type CliTeam, openCliTeam } from "../support/cli-team.ts";
import { places } from "../support/leak-gate.ts";
import { canariesOf, linesOf, secretsIn } from "../support/leaks.ts";
import type { CliResult } from "../support/olympus.ts";

const hosts = ["athena", "agora", "r420"] as const;
const mara = generateSshKeyPair("mara@desk");
let team: CliTeam;
/** Everything that any command printed. */
let printed = "";
/** Every secret that there ever was, by name and value. */
const canaries = new Map<string, Secret>();

beforeAll(async () => {
  team = await openCliTeam([mara.public]);
});
afterAll(() => team?.close());

const secretsNow = () => openSecrets({ secretsFile: team.secretsFile });
/** The first process of every machine. */
const firsts = () => hosts.map((name) => team.machines[name].init.pid);
const savedValue = async (path: string): Promise<string> => (await secretsNow()).require(path).reveal();

async function run(...words: string[]): Promise<CliResult> {
  const result = await team.run(...words);
  printed += `${result.stdout}\n${result.stderr}\n`;
  for (const secret of canariesOf((await secretsNow()).all())) canaries.set(secret.reveal(), secret);
  return result;
}

async function ok(...words: string[]): Promise<CliResult> {
  const result = await run(...words);
  expect(result.code, `${words.join(" ")}\n${result.stdout}\n${result.stderr}`).toBe(0);
  return result;
}

/** Logs in as the machines' login; the error's code when that is refused. */
async function login(name: (typeof hosts)[number], privateKey: string): Promise<string> {
  const { address, hostKey } = team.machines[name];
  const target = { name, address, port: 22, user: "agent", hostKey, pinnedIn: "test" };
  try {
    const ssh = await connectSsh({ ...target, privateKey: new Secret("key", privateKey) });
    const { stdout } = await ssh.exec("whoami");
    ssh.close();
    return stdout.trim();
  } catch (error) {
    return (error as { code: string }).code;
  }
}

async function dashboard(token: string): Promise<number> {
  const url = `http://${team.machines.athena.address}:18789/api/status`;
  return (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status;
}

const answers = (): Promise<CliResult> => ok("chat", "@athena", "hello", "--wait", "600");

test("#48 while roles are set up no secret is in any argument list or environment, here or on the hosts", async () => {
  await ok("bootstrap");
  const watch = await watchArguments(linesOf([...canaries.values()]), firsts());
  await ok("role", "setup", "base", "node", "rehearsal", "--host", "agora", "--yes");
  await ok("role", "setup", "base", "node", "agent", "--host", "athena", "--yes", "--json", "--debug");
  const { found, programs } = await watch.stop();
  expect(found).toEqual([]);
  expect(programs).toBeGreaterThan(200);
  await answers();
});

test("#48 the watch sees each program that lives for a moment, here and on a host, by its arguments and by its environment", async () => {
  const planted = ["here", "host"].flatMap((where) =>
    ["cmdline", "environ", "again"].flatMap((how) => [1, 2, 3, 4, 5].map((at) => `planted-${where}-${how}-${at}-`)),
  );
  const watch = await watchArguments(planted, firsts());
  // A shell that reads the words from stdin, so that nothing but what they are handed to has them: true, which ends at once, and a shell
  // that becomes itself, with the same arguments and another environment.
  const plant = `while read -r word; do case $word in
*-cmdline-*) /bin/true "$word";;
*-environ-*) KEY="$word" /bin/true;;
*) echo "$word" | /bin/sh -c "$same" "$same";;
esac; done`;
  const script = `same='[ -n "$KEY" ] || { read -r KEY; export KEY; exec /bin/sh -c "$0" "$0"; }'; ${plant}`;
  const lines = (where: string) =>
    planted
      .filter((word) => word.includes(where))
      .map((word) => `${word}\n`)
      .join("");
  execFileSync("/bin/sh", ["-c", script], { input: lines("-here-") });
  await team.inside("athena", script, lines("-host-"));
  const { found } = await watch.stop();
  const seen = planted.filter((word) =>
    found.some(
      (line) => line.endsWith(`: ${word}`) && line.includes(word.includes("-cmdline-") ? "cmdline" : "environ"),
    ),
  );
  expect(seen).toEqual(planted);
});

test("#47 a command that fails and prints a secret: masked on the terminal, in JSON and in every record", async () => {
  const before = await savedValue("mattermost.bots.athena.token");
  const canary = `it's a "canary" + ünïcode/1?&2`;
  // Whatever puts the new token into its place tells it in every way, and fails.
  await team.inside(
    "athena",
    `mv /usr/bin/install /usr/bin/install.real; cat >/usr/bin/install <<'END'
#!/bin/sh
for file; do if [ -f "$file" ] && grep -q canary "$file"; then
  cat "$file"; echo; base64 -w0 "$file"; echo; printf 'token:%s' "$(cat "$file")" | base64 -w0; echo; exit 1; fi; done
exec /usr/bin/install.real "$@"
END
chmod 755 /usr/bin/install`,
  );
  const secrets = await secretsNow();
  secrets.set("mattermost.bots.athena.token", canary);
  await secrets.save();
  const shown = [];
  for (const words of [["--debug"], ["--json"]]) {
    const failed = await run("role", "setup", "agent", "--host", "athena", "--yes", ...words);
    expect(failed.code).toBe(2);
    shown.push(failed.stdout + failed.stderr);
  }
  shown.push((await ok("role", "history", "--json")).stdout);
  expect(shown[0]).toContain("[secret:mattermost.bots.athena.token]");
  expect(shown[1]).toContain("[secret:mattermost.bots.athena.token]");
  expect(secretsIn(shown.join("\n"), [new Secret("canary", canary)])).toEqual([]);

  await team.inside("athena", "mv /usr/bin/install.real /usr/bin/install");
  const again = await secretsNow();
  again.set("mattermost.bots.athena.token", before);
  await again.save();
  await ok("role", "setup", "agent", "--host", "athena", "--yes");
  await answers();
});

test("a dashboard's and a bot's token: the new ones work, the old ones open nothing, the agent goes on", async () => {
  const [page, bot] = await Promise.all([
    savedValue("agents.athena.dashboard"),
    savedValue("mattermost.bots.athena.token"),
  ]);
  const { stderr } = await ok("secrets", "rotate", "agents.athena.dashboard", "mattermost.bots.athena", "--yes");
  expect(stderr).toContain("agents.athena.dashboard: athena's dashboard; both tokens are let in");
  expect(await dashboard(page)).toBe(401);
  expect(await dashboard(await savedValue("agents.athena.dashboard"))).toBe(200);
  await expect(chatClient(team.chatUrl, bot).getMe()).rejects.toMatchObject({ status_code: 401 });
  await answers();
});

test("a token for a program opens the dashboard until it is taken away, and nothing knows it but who asked for it", async () => {
  const add = await ok("tokens", "add", "athena", "grafana", "--until", "2127-01-31");
  const token = add.stdout.trim();
  expect(await dashboard(token)).toBe(200);
  const url = `http://${team.machines.athena.address}:18789/api/pause`;
  const pause = { method: "POST", body: "{}", headers: { authorization: `Bearer ${token}` } };
  expect((await fetch(url, pause)).status).toBe(403);
  const listed = await ok("tokens", "list");
  expect(listed.stdout).toMatch(/athena +grafana +read +2127-01-31/);
  expect((await secretsNow()).all().some((secret) => secret.reveal().includes(token))).toBe(false);
  expect(listed.stdout + (await team.inside("athena", "grep -r . /etc/olympus"))).not.toContain(token);

  expect((await run("tokens", "remove", "athena", "grafan")).stderr).toContain("Did you mean grafana?");
  await ok("tokens", "remove", "athena", "grafana");
  expect(await dashboard(token)).toBe(401);
  expect((await ok("tokens", "list")).stdout.trim()).toBe("none");
});

test("the deploy key, killed at a moment of chance and run again: the old key opens nothing, people's own keys stay", async () => {
  const old = await savedValue("ssh.deploy.private");
  const child = spawn(
    join(projectRoot, "scripts/olympus"),
    ["secrets", "rotate", "ssh.deploy", "--yes", "--team", join(team.folder, "team.yaml")],
    { env: { ...process.env, ...team.env }, stdio: "ignore", detached: true },
  );
  const ended = new Promise((done) => child.once("close", done));
  await Promise.race([ended, sleep(1_000 + Math.random() * 3_000)]);
  if (child.exitCode === null) process.kill(-child.pid!, "SIGKILL");
  await ended;
  for (const name of hosts) expect(await login(name, await savedValue("ssh.deploy.private"))).toBe("agent");

  const finished = child.exitCode === 0;
  if (!finished) await ok("secrets", "rotate", "ssh.deploy", "--yes");
  const now = await savedValue("ssh.deploy.private");
  expect(now).not.toBe(old);
  for (const name of hosts) {
    expect([await login(name, old), await login(name, now), await login(name, mara.private)]).toEqual([
      "E-SSH-AUTH",
      "agent",
      "agent",
    ]);
  }
  canaries.set(old, new Secret("ssh.deploy.private (old)", old));
  expect((await run("secrets", "check")).stdout).not.toContain("rotation");
});

test("a host that is down: nothing is taken away, the host is named, exit 4", async () => {
  const before = await savedValue("ssh.deploy.private");
  await team.inside("r420", "systemctl stop ssh.service ssh.socket 2>/dev/null; true");
  const refused = await run("secrets", "rotate", "ssh.deploy", "--yes");
  expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining("r420") });
  await team.inside("r420", "systemctl start ssh.service");
  for (const name of hosts) expect(await login(name, before)).toBe("agent");
  await ok("secrets", "rotate", "ssh.deploy", "--yes");
  expect(await login("r420", before)).toBe("E-SSH-AUTH");
});

test("no secret that there ever was is in what was printed, in state or logs here, or in logs and journals of the hosts", async () => {
  await ok("role", "setup", "agent", "--host", "athena", "--yes");
  const all = [...canaries.values()];
  expect(all.length).toBeGreaterThan(12);
  expect(secretsIn(printed, all)).toEqual([]);

  const kept = readdirSync(team.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const here = kept.filter(({ name }) => name !== "age.txt");
  expect(here.length).toBeGreaterThan(2);
  for (const { parentPath, name } of here) {
    expect([name, ...secretsIn(readFileSync(join(parentPath, name), "latin1"), all)]).toEqual([name]);
  }

  for (const name of hosts) {
    const found = await team.inside(
      name,
      `cat >/dev/shm/words; { journalctl --no-pager; systemctl show '*'; } >/dev/shm/told
grep -rlFf /dev/shm/words /var /etc /run /tmp /root /home /dev/shm/told 2>/dev/null
rm /dev/shm/words /dev/shm/told`,
      linesOf(all).join("\n"),
    );
    expect([name, found.split("\n").filter((path) => path !== "" && !places.test(path))]).toEqual([name, []]);
    // What stands where it belongs is root's alone.
    expect(
      await team.inside(
        name,
        "find /etc/olympus/secrets /var/lib/olympus /run/olympus/runs -maxdepth 0 -perm /077 2>/dev/null; true",
      ),
    ).toBe("");
  }
});
