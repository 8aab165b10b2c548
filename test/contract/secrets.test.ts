import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { olympus } from "../support/olympus.ts";
import { typeAt } from "../support/terminal.ts";

let folder = "";
let env: Record<string, string> = {};
let team = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "olympus-secrets-"));
  team = join(folder, "team.yaml");
  env = { SOPS_AGE_KEY_FILE: join(folder, "age.txt") };
  await copyFile(join(projectRoot, "examples/lab/team.yaml"), team);
});

afterAll(() => rm(folder, { recursive: true }));

const program = join(projectRoot, "scripts/olympus");
const run = (...words: string[]) => olympus(["secrets", ...words, "--team", team], { env });
const give = (name: string, input: string) =>
  execa(program, ["secrets", "set", name, "--team", team], { env, input, reject: false });

test("from no file to a value and back", async () => {
  expect(await run("list")).toMatchObject({ code: 1, stderr: expect.stringContaining("olympus secrets init") });
  const made = await run("init");
  expect(made.code).toBe(0);
  expect(made.stderr).toContain(`made your age identity ${env.SOPS_AGE_KEY_FILE}`);
  expect((await stat(env.SOPS_AGE_KEY_FILE!)).mode & 0o777).toBe(0o600);
  expect(await run("init")).toMatchObject({ code: 0, stdout: "nothing was missing" });

  expect(await give("models.anthropic", "sk-canary-1\n")).toMatchObject({
    exitCode: 0,
    stdout: "models.anthropic set",
  });
  expect(await give("models.anthropic", "sk-canary-1")).toMatchObject({ stdout: "models.anthropic is as it was" });
  expect(await readFile(join(folder, "secrets.enc.yaml"), "utf8")).not.toContain("canary");
  expect((await run("list")).stdout.split("\n")).toContain("models.anthropic");
  expect(await run("list")).not.toMatchObject({ stdout: expect.stringContaining("canary") });
});

test("a value gets into a pipe only when that is said", async () => {
  const refused = await run("get", "models.anthropic");
  expect(refused).toMatchObject({ code: 6, stdout: "" });
  expect(refused.stderr).not.toContain("canary");
  expect(await run("get", "models.anthropic", "--yes")).toMatchObject({ code: 0, stdout: "sk-canary-1" });
  expect(await run("get", "models.openai", "--yes")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("olympus secrets set models.openai"),
  });
});

test("a key's public half gets into a pipe unasked, and nothing else that is called so", async () => {
  expect(await run("get", "ssh.deploy.public")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^ssh-ed25519 /),
  });
  expect(await run("get", "ssh.deploy.private")).toMatchObject({ code: 6, stdout: "" });
  await give("models.public", "canary-7");
  expect(await run("get", "models.public")).toMatchObject({ code: 6, stdout: "" });
  await run("forget", "models.public", "--yes");
});

test("a misspelt name is told the one that was meant, not how to store it", async () => {
  for (const words of [["get"], ["rotate"], ["forget"]]) {
    const { code, stderr } = await run(...words, "agents.athena.dashbord", "--yes");
    expect(code).toBe(1);
    expect(stderr).toContain("Did you mean agents.athena.dashboard?");
    expect(stderr).not.toMatch(/secrets set|These are/);
  }
});

test("on a terminal it asks, and shows nothing of what is typed", async () => {
  const line = `${program} secrets set models.google --team ${team}`;
  const { exitCode, stdout } = await typeAt(line, "models.google: ", "typed-canary-2\n", env);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("models.google set");
  expect(stdout).not.toContain("canary");
  expect((await run("get", "models.google", "--yes")).stdout).toBe("typed-canary-2");
});

test("others can be let in and put out again", async () => {
  const other = join(folder, "other.txt");
  await execa("age-keygen", ["-o", other]);
  const recipient = /age1\w+/.exec(await readFile(other, "utf8"))![0];
  const asOther = (...words: string[]) =>
    olympus(["secrets", ...words, "--team", team], { env: { SOPS_AGE_KEY_FILE: other } });
  expect(await asOther("list")).toMatchObject({ code: 1, stderr: expect.stringContaining("E-SECRETS-IDENTITY") });
  expect((await run("recipients", "add", recipient)).stdout).toContain(recipient);
  expect((await asOther("get", "models.google", "--yes")).stdout).toBe("typed-canary-2");
  expect((await run("recipients", "remove", recipient)).stderr).toContain("still knows every value");
  expect((await asOther("list")).code).toBe(1);
  expect((await run("recipients", "add", "me")).code).toBe(1);
});

test("an editor gets every value in a private file that is gone afterwards", async () => {
  const seen = join(folder, "seen");
  const editor = join(folder, "editor");
  await writeFile(
    editor,
    `#!/bin/sh\nstat -c '%a %n' "$1" > ${seen}\nsed -i 's/typed-canary-2/edited-canary-4/' "$1"\n`,
    { mode: 0o755 },
  );
  const edit = (with_: string) =>
    execa("script", ["-qec", `${program} secrets edit --team ${team}`, "/dev/null"], {
      env: { ...env, VISUAL: with_ },
      reject: false,
    });
  const { exitCode, stdout } = await edit(editor);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("~ models.google");
  expect(stdout).not.toContain("canary");
  expect((await run("get", "models.google", "--yes")).stdout).toBe("edited-canary-4");
  const [mode, file] = (await readFile(seen, "utf8")).trim().split(" ");
  expect(mode).toBe("600");
  expect(existsSync(file!)).toBe(false);
  expect((await edit(editor)).stdout).toContain("nothing changed");
  expect(await edit("false")).toMatchObject({ exitCode: 2, stdout: expect.stringContaining("E-EDITOR") });
  expect(await run("edit")).toMatchObject({ code: 6 });
});

test("values come over from ansible-vault; what is here already stays", async () => {
  const vault = join(projectRoot, "secrets/fixtures/vault-1.1.yml");
  const bring = (input: string, ...words: string[]) =>
    execa(program, ["secrets", "import", vault, "--team", team, ...words], { env, input, reject: false });
  const password = "vault password of the fixture\n";
  expect(await bring("wrong words\n")).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("E-VAULT") });
  const words = ["--as", "openai_api_key=models.fallback", "--as", "anthropic_api_key=models.anthropic"];
  const brought = await bring(password, ...words);
  expect(brought).toMatchObject({ exitCode: 0, stdout: "1 taken over, 1 left alone" });
  expect(brought.stderr).toContain("models.anthropic has another value here");
  expect((await run("get", "models.fallback", "--yes")).stdout).toBe("vault words 3: ünïcode");
  expect(await bring(password, "--as", "nothing=models.x")).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining("It has: anthropic_api_key"),
  });
});

test("check says what is missing and left over, forget takes it out", async () => {
  await give("agents.icarus.dashboard", "left-canary-5");
  const checked = await run("check");
  expect(checked).toMatchObject({ code: 0, stdout: expect.stringMatching(/note +agents\.icarus\.dashboard/) });
  expect(checked.stdout).not.toContain("canary");
  expect(await run("forget", "agents.icarus.dashboard", "--yes")).toMatchObject({ code: 0 });
  expect((await run("check")).stdout).not.toContain("icarus");
  await run("forget", "team.hmac", "--yes");
  expect(await run("check")).toMatchObject({ code: 3, stdout: expect.stringMatching(/missing +team\.hmac/) });
  expect((await run("init")).code).toBe(0);
});

test("rotate lists what it can, asks before it begins, takes a new key from stdin, and refuses the rest with the other way", async () => {
  const rotate = (input: string, ...words: string[]) =>
    execa(program, ["secrets", "rotate", ...words, "--team", team], { env: { ...env, CI: "" }, input, reject: false });
  const known = await rotate("");
  expect(known.stdout.split("\n")).toEqual([
    "agents.athena.dashboard",
    "mattermost.admin.password",
    "postgresql.mattermost",
    "ssh.deploy",
  ]);
  const before = (await run("get", "agents.athena.dashboard", "--yes")).stdout;
  expect(await rotate("", "agents.athena.dashboard")).toMatchObject({ exitCode: 6 });
  expect((await run("get", "agents.athena.dashboard", "--yes")).stdout).toBe(before);
  expect(await rotate("", "pulumi.passphrase", "--yes")).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/E-SECRET-ROTATE[\s\S]*change-secrets-provider/),
  });
  await give("models.mistral", "first-canary-6");
  const rotated = await rotate("second-canary-6\n", "models.mistral", "--yes");
  expect(rotated).toMatchObject({ exitCode: 0, stdout: "1 rotated" });
  expect(rotated.stderr).toContain("models.mistral: nobody now; both work until you take the old one away");
  expect(rotated.stdout + rotated.stderr).not.toContain("canary");
  expect((await run("get", "models.mistral", "--yes")).stdout).toBe("second-canary-6");
  expect((await run("list")).stdout).not.toContain("rotation");
});

test("the value is in no argument list and no environment of any process", async () => {
  const canary = "argv-canary-3";
  const child = execa(program, ["secrets", "set", "models.openai", "--team", team], {
    env,
    stdin: "pipe",
    reject: false,
  });
  let running = true;
  const ended = child.then(() => {
    running = false;
  });
  let seen = "";
  while (running) {
    const look = await execa("sh", ["-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null"], {
      reject: false,
    });
    seen += look.stdout;
    // It waits for its input until it was looked at.
    if (seen.includes("models.openai") && !child.stdin.writableEnded) child.stdin.end(canary);
  }
  await ended;
  expect((await child).exitCode).toBe(0);
  expect(seen).toContain("models.openai");
  expect(seen).not.toContain(canary);
});
