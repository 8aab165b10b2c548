import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { olympus } from "../support/olympus.ts";

const team = ["--team", join(projectRoot, "examples/lab/team.yaml")];

describe.concurrent("words that are off", () => {
  it.each<[string[], RegExp]>([
    [["statsu"], /unknown command "statsu".*\n.*Did you mean status\?/],
    [["help", "statsu"], /unknown command "statsu"/],
    [["constructor"], /unknown command "constructor"/],
    [["--frobnicate"], /unknown option "--frobnicate"/],
    [["role", "chekc"], /unknown command "chekc".*\n.*Did you mean check\?\n.*olympus role --help/],
    [
      ["role", "check", "--hst", "athena"],
      /unknown option "--hst".*\n.*Did you mean --host\?\n.*olympus role check --help/,
    ],
    [["role", "--host", "athena", "check"], /unknown option "--host".*\n.*Put --host after check\./],
    [["--wait", "5", "chat", "@athena", "hi"], /unknown option "--wait" before a command.*\n.*Put --wait after chat\./],
    [
      ["ssh", "athena", "ls", "-l", ...team],
      /unknown option "-l".*\n.*Put -- before a command.*ssh <machine> -- ls -l/,
    ],
    [["lab", "exec", "r420", "virsh", "list", "--all"], /unknown option "--all".*\n.*lab exec <machine> -- ls -l/],
    [["pin"], /missing required argument "hypervisor"/],
    [["plan", "--team"], /--team needs the name of a file/],
    [["plan", "--team", "--json"], /--team needs the name of a file/],
    [["plan", "--team", "/nowhere.yaml"], /\/nowhere.yaml {2}there is no team file/],
    [["plan", "r421", ...team], /unknown hypervisor "r421".*\n.*Did you mean r420\?/],
    [["doctor", "--only", "brigde", ...team], /unknown check "brigde".*\n.*Did you mean bridge\?/],
    [["ssh", "athenna", ...team], /unknown machine or hypervisor "athenna".*\n.*Did you mean athena\?/],
    [["logs", "athenna", "--unit", "ssh", ...team], /unknown machine or hypervisor "athenna".*Did you mean/s],
    [["console", "athenna", ...team], /unknown machine "athenna".*Did you mean athena\?/s],
    [["restart", "athenna", ...team], /unknown machine "athenna".*Did you mean athena\?/s],
    [["rebuild", "athenna", ...team], /unknown machine "athenna".*Did you mean athena\?/s],
    [["doctor", "r421", ...team], /unknown host "r421".*\n.*Did you mean r420\?/],
    [["deploy", "athen", ...team], /unknown machine "athen".*\(E-UNKNOWN\)\n.*Did you mean athena\?/],
    [["up", "athena", ...team], /unknown hypervisor "athena".*\n.*athena is a machine on r420/],
    [["role", "verify", "firewall", "--all", ...team], /No host of the team has the role firewall.*\(E-ROLE-HOST\)/],
    [["tokens", "add", "athena", "grafana", "--until", "2020-01-31", ...team], /2020-01-31 is over/],
    [["tokens", "add", "athena", "grafana", "--until", "2127-02-30", ...team], /"2127-02-30" is no day/],
    [["tokens", "add", "athena", "grafana", "--until", "2127-13-01", ...team], /"2127-13-01" is no day/],
    [["tokens", "list", "athenna", ...team], /unknown agent "athenna".*Did you mean athena\?/s],
    [["prepare", "--for", "nothing"], /Allowed choices are lab, unit, tests/],
    [["toolchain", "--list", "--only", "nothing"], /unknown part "nothing"/],
  ])("%j: exit 1, cause first, next step", async (words, message) => {
    const { code, stdout, stderr } = await olympus(words);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/\(E-[A-Z-]+\)\n {2}do {3}\S/);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  // npm takes --host for itself, and hands on its value where that stood alone: nothing is reset by a guess.
  it.each([
    ["npm run role reset agent --host athena", /athena is a host, not a role\./, "reset agent --host athena"],
    ["npm run role reset agent --host=athena", /No host is named\./, "reset agent --host athena"],
  ])("%s, as a person writes it: exit 1, and where the -- goes", async (line, message, way) => {
    const { exitCode, stderr } = await execa({
      shell: true,
      cwd: projectRoot,
      env: { OLYMPUS_TEAM: team[1], CI: "true", NO_COLOR: "1" },
      stdin: "ignore",
      reject: false,
    })`${line}`;
    expect(stderr).toMatch(message);
    expect(stderr).toContain(`npm run role -- ${way}`);
    expect(exitCode).toBe(1);
  });

  it("of a role are answered with a command of the same team, for programs too", async () => {
    const { stderr, events } = await olympus(["role", "rollback", "--json", ...team]);
    const way = `npx olympus --team ${team[1]} role rollback --host athena`;
    expect([stderr, events]).toEqual([
      expect.stringContaining(way),
      [expect.objectContaining({ code: "E-ROLE-HOST", hint: expect.stringContaining(way) })],
    ]);
  });

  it("are an event with --json", async () => {
    const { code, events } = await olympus(["plan", "--foo", "--json"]);
    expect(events).toMatchObject([{ v: 1, type: "error", code: "E-USAGE", message: 'unknown option "--foo"' }]);
    expect(code).toBe(1);
  });
});

describe.concurrent("help", () => {
  it("is the same by both ways of asking", async () => {
    const [one, other] = await Promise.all([olympus(["help", "role"]), olympus(["role", "--help"])]);
    expect(one).toEqual(other);
    expect(one).toMatchObject({ code: 0, stderr: "" });
    expect(one.stdout).toContain("olympus role check --host athena");
  });

  it("ends quietly when its reader has seen enough", async () => {
    const { stderr } = await execa({ shell: true, cwd: projectRoot })`scripts/olympus plan ${team} | true`;
    expect(stderr).toBe("");
  });
});

it("plan names the team file that a lab brought, and says nothing of one that was named", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pointer-"));
  try {
    writeFileSync(join(folder, "current-team"), `${team[1]}\n`);
    const env = { OLYMPUS_STATE: folder, OLYMPUS_TEAM: "" };
    const of = async (...words: string[]) => (await olympus(["plan", ...words], { env })).stderr;
    expect(await of()).toContain(`team file of the lab that is up: ${team[1]}`);
    expect(await of(...team)).toBe("");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("plan tells wrong parameters of roles after its table, with line, column and fix, beside what does not fit", async () => {
  const folder = mkdtempSync(join(tmpdir(), "plan-params-"));
  try {
    const file = join(folder, "team.yaml");
    const text = readFileSync(team[1]!, "utf8").replace(
      /^( {2}athena:\n)/m,
      "$1    roles: { base: { pakages: [htop] } }\n    memory: 999GB\n",
    );
    writeFileSync(file, text);
    const { code, stdout, stderr } = await olympus(["plan", "--team", file]);
    expect(stdout).toContain("hypervisor");
    expect(stderr).toContain("2 problems; nothing was asked of any machine");
    expect(stderr).toMatch(/E-CAPACITY/);
    expect(stderr).toMatch(/team\.yaml:\d+:22 {2}unknown key "pakages" in the role base {2}\(E-ROLE-PARAMS\)/);
    expect(stderr).toMatch(/\| +\^{7} known: packages, .*Did you mean packages\?/);
    expect(code).toBe(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("a team with the lab's name is refused before Pulumi keeps anything of it, with the line", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lab-name-"));
  try {
    const file = join(folder, "team.yaml");
    copyFileSync(team[1]!, file);
    const env = { OLYMPUS_STATE: join(folder, "state"), SOPS_AGE_KEY_FILE: join(folder, "age.txt") };
    expect((await olympus(["secrets", "init", "--team", file], { env })).code).toBe(0);
    for (const words of [["env"], ["destroy", "--all", "--yes"]]) {
      const { code, stdout, stderr } = await olympus([...words, "--team", file], { env });
      expect(stderr).toContain(`${file}:5  the state of team lab would lie in the folder of this computer's lab`);
      expect(stdout).not.toContain("PULUMI");
      expect(code).toBe(1);
    }
    expect(existsSync(join(folder, "state/lab"))).toBe(false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("quickstart finds what is in its way before anything is asked or changed; with --json stdout is JSON only", async () => {
  const folder = mkdtempSync(join(tmpdir(), "quickstart-"));
  const server = createServer();
  try {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const file = join(folder, "team.yaml");
    writeFileSync(
      file,
      readFileSync(join(projectRoot, "examples/lab/team.yaml"), "utf8").replace('"8065":', `"${port}":`),
    );
    const env = { OLYMPUS_STATE: join(folder, "state"), OLYMPUS_CACHE: join(folder, "cache") };
    // `--no-input` and no `--yes`, not even by CI=true: had it got as far as asking, that would be the error.
    const { exitCode, stdout, stderr } = await execa(
      join(projectRoot, "scripts/quickstart"),
      ["--json", "--no-input", "--team", file],
      { env: { ...env, CI: "" }, reject: false, stdin: "ignore" },
    );
    const events = stdout.split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events).toContainEqual(
      expect.objectContaining({
        type: "error",
        code: "E-PORT-TAKEN",
        message: expect.stringContaining(String(process.pid)),
      }),
    );
    expect(stderr).toContain("quickstart cannot work here; beside npm packages");
    expect(stderr).not.toContain("E-CONFIRM");
    expect(existsSync(env.OLYMPUS_STATE)).toBe(false);
    expect(exitCode).toBe(1);
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
});
