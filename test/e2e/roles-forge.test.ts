/** Role `forge` on a real machine with systemd: git over HTTP by agents' tokens, webhooks to agents, revoked tokens, a kill, reset and setup again. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { role as forgeRole } from "../../roles/forge/role.ts";
import { worldOf } from "../../roles/forge/world.ts";
import { role as nodeRole } from "../../roles/node/role.ts";
import { nodeRuntime } from "../../roles/node/runtime.ts";
import { generatedSecrets } from "../../secrets/generated.ts";
import { newSecrets } from "../../secrets/store.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { buildBundle } from "../../src/harness/bundle.ts";
import { receiveWebhooks, type WebhookReceiver } from "../../src/harness/forge/webhook.ts";
import { silentLog } from "../../src/harness/log.ts";
import { forgePort, webhookSecret } from "../../src/team/forge.ts";
import { loadTeam } from "../../src/team/load.ts";
import { eventually } from "../support/olympus.ts";
import { openRoleLab, type RoleLab, type RoleTexts } from "../support/role-lab.ts";

const team = await loadTeam(join(projectRoot, "examples/quickstart/team.yaml"));
const secrets = newSecrets("/secrets.enc.yaml", []);
for (const { paths, make } of generatedSecrets(team))
  for (const [at, value] of make().entries()) secrets.set(paths[at]!, value);
const token = (path: string): string => secrets.require(path).reveal();

const here = mkdtempSync(join(tmpdir(), "olympus-roles-forge-"));
let lab: RoleLab;
let url = "";
let receiver: WebhookReceiver;
/** Repositories that an agent was told of. */
const hints: string[] = [];
let hooks: string[];

beforeAll(async () => {
  lab = await openRoleLab(1);
  const at = { address: lab.lab.hostAddress, port: 0, secret: secrets.require(webhookSecret) };
  receiver = await receiveWebhooks(at, (repo) => hints.push(repo), silentLog);
  hooks = [`http://${lab.lab.hostAddress}:${receiver.port}/`];
  url = `http://${lab.machines[0]!.address}:${forgePort}`;
});

afterAll(async () => {
  rmSync(here, { recursive: true });
  await receiver?.close();
  await lab?.close();
});

/** The roles with the accounts and tokens that the secrets name now. */
async function roles(): Promise<RoleTexts> {
  const node = nodeRuntime();
  const address = lab.machines[0]!.address;
  const world = { ...worldOf(team, secrets), hooks };
  const secret = secrets.require(webhookSecret);
  const inputs = { address, node, bundle: await buildBundle("forge"), world, secret };
  return { node: nodeRole.setup({ node }, {}), forge: forgeRole.setup(inputs, {}) };
}

const status = async (path: string, as: string): Promise<number> =>
  (await fetch(`${url}/api/v3${path}`, { headers: { authorization: `Bearer ${as}` } })).status;

/** git with nothing of this computer's settings; the token as GitHub takes it. */
function git(as: string, ...args: string[]) {
  const login = Buffer.from(`x-access-token:${as}`).toString("base64");
  const settings = [`http.extraHeader=Authorization: Basic ${login}`, "user.name=athena", "user.email=a@example.org"];
  return execa("git", [...settings.flatMap((one) => ["-c", one]), ...args], {
    cwd: here,
    env: { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1", GIT_TERMINAL_PROMPT: "0" },
    reject: false,
    all: true,
  });
}

test("set up, it has repository, accounts and a page; set up again, nothing changes", async () => {
  const first = await lab.apply("setup", await roles());
  expect(first.errors).toEqual([]);
  expect(await (await fetch(`${url}/olympus/greet`)).text()).toContain("Pull requests");
  expect(await status("/user", token("agents.apollo.github"))).toBe(200);
  const second = await lab.apply("setup", await roles());
  expect(second.errors).toEqual([]);
  expect(second.changed).toBe(0);
});

test("an agent pushes to a branch and not past a person; a token for reviews pushes nowhere", async () => {
  const work = token("agents.apollo.github");
  expect((await git(work, "clone", "-q", `${url}/olympus/greet.git`, "greet")).all).toBe("");
  await git(work, "-C", "greet", "commit", "-q", "--allow-empty", "-m", "try");
  const push = (as: string, branch: string) => git(as, "-C", "greet", "push", "origin", `HEAD:refs/heads/${branch}`);
  expect((await push(work, "try")).exitCode).toBe(0);
  expect((await push(work, "main")).all).toContain("GH006");
  expect((await push(token("agents.apollo.github-review"), "other")).all).toContain("403");
});

test("what happens is told to agents, signed so that they believe it; a team that wants no webhooks any more has none", async () => {
  await eventually("the push of an agent to be told", async () => hints.includes("olympus/greet"), 60_000);
  const listed = async (): Promise<unknown> =>
    (
      await fetch(`${url}/api/v3/repos/olympus/greet/hooks`, {
        headers: { authorization: `Bearer ${token("people.mara.github")}` },
      })
    ).json();
  expect(await listed()).toMatchObject([{ config: { url: hooks[0], secret: "********" } }]);
  expect(await lab.inside("cat /etc/olympus/forge.json /etc/systemd/system/olympus-forge.service")).not.toContain(
    token(webhookSecret),
  );
  hooks = [];
  expect((await lab.apply("setup", await roles())).errors).toEqual([]);
  expect(await listed()).toEqual([]);
});

test("killed, it is back by itself; a token that was made anew opens nothing with its old value", async () => {
  const old = token("agents.apollo.github");
  await lab.inside("systemctl kill -s KILL olympus-forge");
  await eventually("the forge to be back", async () => (await status("/user", old).catch(() => 0)) === 200, 300_000);
  secrets.set("agents.apollo.github", "another-token-of-apollo");
  const again = await lab.apply("setup", await roles());
  expect(again.errors).toEqual([]);
  expect(again.changed).toBeGreaterThan(0);
  expect([await status("/user", old), await status("/user", token("agents.apollo.github"))]).toEqual([401, 200]);
});

test("reset leaves what is in it and nothing else; set up again, it goes on", async () => {
  const reset = await lab.apply("reset", await roles());
  expect(reset.errors).toEqual([]);
  expect(await lab.inside("ls /srv/olympus/forge")).toContain("forge.sqlite");
  expect(
    await lab.inside("ls -d /opt/olympus /etc/olympus /etc/systemd/system/olympus-forge.service 2>/dev/null; true"),
  ).toBe("");
  const again = await lab.apply("setup", await roles());
  expect(again.errors).toEqual([]);
  expect(await status("/repos/olympus/greet/branches/try", token("agents.apollo.github"))).toBe(200);
});
