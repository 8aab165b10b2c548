/** Role `github`: commits that verify, a login that git and gh use, and a token that no process shows. GitHub is played. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { role } from "../../roles/github/role.ts";
import { generateSshKeyPair } from "../../secrets/ssh-keys.ts";
import { silentReporter } from "../../src/base/report.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { type RotateContext, rotationOf, runRotation } from "../../src/rotate/index.ts";
import { listHosts } from "../../src/team/hosts.ts";
import { watchArguments } from "../support/argv-watcher.ts";
import { snapshotDifference, snapshotHost } from "../support/host-snapshot.ts";
import { linesOf } from "../support/leaks.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

let lab: RoleLab;
let github: Server;
const asked: string[] = [];
const folder = mkdtempSync(join(tmpdir(), "olympus-github-"));
const token = "ghp_canary0canary0canary0canary0canary0";

/** GitHub's API as far as `gh auth status` and `gh api user` ask it, with a certificate that the machine trusts. */
async function playGithub(): Promise<void> {
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "github.crt")];
  const subject = ["-subj", "/CN=api.github.com", "-addext", "subjectAltName=DNS:api.github.com"];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject, "-keyout", key, "-out", certificate],
    { stdio: "ignore" },
  );
  github = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    response.writeHead(200, { "content-type": "application/json", "x-oauth-scopes": "repo, read:org, gist" });
    const user = { login: "athena-bot" };
    response.end(JSON.stringify(request.url?.includes("graphql") ? { data: { viewer: user } } : user));
  });
  await new Promise<void>((done) => github.listen(443, lab.lab.hostAddress, done));
  const pem = readFileSync(certificate).toString("base64");
  await lab.inside(
    `echo ${pem} | base64 -d >/usr/local/share/ca-certificates/github.crt; update-ca-certificates >/dev/null; echo '${lab.lab.hostAddress} api.github.com github.com' >>/etc/hosts`,
  );
}

beforeAll(async () => {
  lab = await openRoleLab(1);
  await playGithub();
  const pair = generateSshKeyPair("athena@lab");
  lab.secrets.set("agents.athena.signing.private", pair.private);
  lab.secrets.set("agents.athena.signing.public", pair.public);
  lab.secrets.set("agents.athena.github", token);
});
afterAll(async () => {
  github?.close();
  await lab?.close();
  rmSync(folder, { recursive: true });
});

async function operations(): Promise<Operation[]> {
  const params = role.params.parse({ login: "athena-bot" });
  const hosts = listHosts(lab.team);
  const { team, secrets } = lab;
  const signal = AbortSignal.timeout(60_000);
  const context = { team, hosts, host: hosts[0]!, secrets, reporter: silentReporter(), signal };
  return role.setup(await role.inputs(context, params), params);
}

/** A key without its comment. */
const words = (key: string): string => key.split(" ").slice(0, 2).join(" ");

/** As the login; gh keeps its state outside its home, so that nothing of it stays. */
const asAgent = (script: string): Promise<string> => {
  const text = Buffer.from(`export XDG_STATE_HOME=/tmp/state; cd /tmp; ${script}`).toString("base64");
  return lab.inside(`echo ${text} | base64 -d >/tmp/script; runuser -l agent -c 'bash -e /tmp/script' 2>&1`);
};
const snapshot = () => snapshotHost((script) => lab.inside(script));

/** A new key by the command's own way. */
async function rotateSigning(): Promise<void> {
  const machines = lab.team.machines.map((one) => ({ ...one, roles: { github: { login: "athena-bot" } } }));
  const context: RotateContext = {
    team: { ...lab.team, machines },
    secrets: lab.secrets,
    reporter: silentReporter(),
    signal: AbortSignal.timeout(300_000),
    chatUrl: "",
    async apply() {
      const { errors } = await lab.apply("setup", { github: await operations() });
      if (errors[0] !== undefined) throw errors[0];
    },
  };
  const rotation = rotationOf("agents.athena.signing", context, () => Promise.reject(new Error("nobody is asked")));
  await runRotation(rotation, context);
}

test("a commit is the agent's and verifies, git and gh log in, no process shows the token, and reset takes all of it away", async () => {
  // Somebody's own settings: they win, and lose nothing.
  await asAgent("printf '[core]\\n\\teditor = ed\\n[user]\\n\\tname = Own\\n' >~/.gitconfig");
  const before = await snapshot();
  const watch = await watchArguments([token], [lab.machines[0]!.init.pid]);
  const setup = await lab.apply("setup", { github: await operations() });
  expect(setup.errors).toEqual([]);
  expect(JSON.stringify(setup.hosts)).not.toContain(token);

  const signed = await asAgent(
    "git init -q work; cd work; echo 1 >file; git add file; git commit -q -m first; git tag -s v1 -m v1; git log -1 --format='%an <%ae> %G? %D'; git verify-commit HEAD; git verify-tag v1",
  );
  expect(signed).toMatch(/^Own <athena@olympus\.example> G HEAD -> main, tag: v1\n/);
  expect(signed.match(/Good "git" signature for athena@olympus\.example with ED25519 key/g)).toHaveLength(2);
  const others =
    "git -c commit.gpgSign=false commit -q --allow-empty -m unsigned; git verify-commit HEAD && echo verified";
  expect(await asAgent(`cd work; ${others} || echo refused`)).toBe("refused\n");
  const stranger =
    "ssh-keygen -q -t ed25519 -N '' -f /tmp/stranger; git -c user.signingKey=/tmp/stranger commit -q --allow-empty -m strange; git log -1 --format=%G?; git verify-commit HEAD && echo verified";
  expect(await asAgent(`cd work; ${stranger} || echo refused`)).toMatch(/^U\n[\s\S]*refused\n$/);

  expect(await asAgent("printf 'protocol=https\\nhost=github.com\\n' | git credential fill")).toContain(
    `username=athena-bot\npassword=${token}\n`,
  );
  expect(await asAgent("git ls-remote --get-url git@github.com:olympus/olympus.git")).toBe(
    "https://github.com/olympus/olympus.git\n",
  );
  expect(await asAgent("gh api user --jq .login; gh auth status")).toMatch(
    /^athena-bot\n[\s\S]*Logged in to github\.com as athena-bot/,
  );
  expect(new Set(asked.map((line) => line.split(" ").slice(1).join(" ")))).toEqual(new Set([`token ${token}`]));
  expect((await watch.stop()).found).toEqual([]);
  expect(
    await lab.inside("cd /home/agent/.config; stat -c '%a %U %n' gh gh/hosts.yml olympus olympus/signing olympus/git"),
  ).toBe("700 agent gh\n600 agent gh/hosts.yml\n700 agent olympus\n600 agent olympus/signing\n644 agent olympus/git\n");
  expect(await lab.inside(`grep -rlF ${token} /var/lib/olympus /run /var/log /etc || true`)).toBe("");

  const again = await lab.apply("setup", { github: await operations() });
  expect([again.errors, again.changed]).toEqual([[], 0]);
  await asAgent("git config --global user.name Somebody");
  expect(await asAgent("git config user.name; git config core.editor")).toBe("Somebody\ned\n");
  await asAgent("git config --global user.name Own");
  expect((await lab.apply("setup", { github: await operations() })).changed).toBe(0);

  lab.secrets.set("agents.athena.github", `${token}new`);
  expect((await lab.apply("setup", { github: await operations() })).changed).toBe(1);
  expect(await asAgent("gh auth token")).toBe(`${token}new\n`);

  const [old, oldPublic] = ["private", "public"].map((half) => lab.secrets.require(`agents.athena.signing.${half}`));
  const rotating = await watchArguments(linesOf([old!]), [lab.machines[0]!.init.pid]);
  await rotateSigning();
  expect((await rotating.stop()).found).toEqual([]);
  const now = lab.secrets.require("agents.athena.signing.public").reveal();
  expect(now).not.toBe(oldPublic!.reveal());
  // What was signed before verifies, commit and tag; so does what is signed now, by the new key.
  const signedNow = "git commit -q --allow-empty -m now; git verify-commit HEAD; git log -1 --format=%G?";
  expect(await asAgent(`cd work; git verify-tag v1 2>/dev/null; git log -1 --format=%G? v1; ${signedNow}`)).toMatch(
    /^G\nGood "git" signature for athena@olympus\.example with ED25519 key \S+\nG\n$/,
  );
  const signers = await lab.inside("cut -d' ' -f2- /etc/olympus/allowed-signers");
  expect(signers.replaceAll(/\d{14}Z/g, "END")).toBe(
    `namespaces="git" ${words(now)}\nnamespaces="git",valid-before="END" ${words(oldPublic!.reveal())}\n`,
  );
  expect(await lab.inside("ls -A /dev/shm")).toBe("");
  expect((await lab.apply("setup", { github: await operations() })).changed).toBe(0);

  const reset = await lab.apply("reset", { github: await operations() });
  expect(reset.errors).toEqual([]);
  expect(snapshotDifference(before, await snapshot())).toEqual([]);

  // Without a file of one's own, the name is the agent's, and the file goes again.
  await lab.inside("rm /home/agent/.gitconfig");
  expect((await lab.apply("setup", { github: await operations() })).errors).toEqual([]);
  expect(await asAgent("git config user.name; stat -c %U ~/.gitconfig")).toBe("athena\nagent\n");
  expect((await lab.apply("reset", { github: await operations() })).errors).toEqual([]);
  expect(await lab.inside("ls -d /home/agent/.config /home/agent/.gitconfig 2>/dev/null || true")).toBe("");
});
