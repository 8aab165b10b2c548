import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { projectRoot } from "../base/paths.ts";

/** A command around `action`, in a process of its own: signals are sent to whole processes. */
const command = (action: string, words: string[] = []) => `
import { createRunner } from ${JSON.stringify(join(projectRoot, "src/cli/run.ts"))};
const { run } = createRunner(${JSON.stringify(words)});
await run(async ({ reporter, confirm, loadTeam, signal, endsByInterruption }) => { ${action} })();
`;
/** Works until it is interrupted, as \`up\` and \`quickstart\` do between two steps. */
const waiting = `
  reporter.info("working");
  const alive = setInterval(() => undefined, 1000);
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  clearInterval(alive);
  signal.throwIfAborted();`;
const stuck = `reporter.info("working"); await new Promise((resolve) => setTimeout(resolve, 60000));`;

const node = join(projectRoot, "node_modules/.bin/node");
const start = (script: string) =>
  execa(node, ["--disable-warning=ExperimentalWarning", "--input-type=module-typescript", "-e", script], {
    reject: false,
    stdin: "ignore",
  });

async function working(run: ReturnType<typeof start>): Promise<void> {
  await new Promise<void>((resolve) => run.stderr.on("data", (text) => String(text).includes("working") && resolve()));
}

describe("an interruption", () => {
  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "by %s ends with 130 and says that the same command goes on",
    async (signal) => {
      const run = start(command(waiting));
      await working(run);
      run.kill(signal);
      const { exitCode, stderr, stdout } = await run;
      expect(stderr).toContain("stopping once what is under way can be left");
      expect(stderr).toContain("interrupted; run the same command to go on from here");
      expect(stderr).not.toContain("E-BUG");
      expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: "" });
    },
  );

  it("is an event with --json", async () => {
    const run = start(command(waiting, ["--json"]));
    await working(run);
    run.kill("SIGINT");
    expect(JSON.parse((await run).stdout)).toMatchObject({ v: 1, type: "interrupted" });
  });

  it("of a command that follows something is its end, without a word", async () => {
    const run = start(command(`endsByInterruption(); ${waiting}`));
    await working(run);
    run.kill("SIGINT");
    const { exitCode, stderr } = await run;
    expect({ exitCode, stderr }).toEqual({ exitCode: 130, stderr: "working" });
  });

  it("a second time ends at once, whatever goes on", async () => {
    const run = start(command(stuck));
    await working(run);
    run.kill("SIGINT");
    await new Promise<void>((resolve) =>
      run.stderr.on("data", (text) => String(text).includes("stopping") && resolve()),
    );
    run.kill("SIGINT");
    expect((await run).exitCode).toBe(130);
  });
});

describe("a lab that was made with sudo", () => {
  it.each([
    ["pointer", "current-team"],
    ["folder", "."],
  ])("is told as root's to a person who may not read its %s, with the line that works", async (_, closed) => {
    const folder = mkdtempSync(join(tmpdir(), "olympus-run-"));
    try {
      // Another login than root comes this far, and no further.
      chmodSync(folder, 0o755);
      mkdirSync(join(folder, "state"));
      writeFileSync(join(folder, "state/current-team"), "/nowhere/team.yaml\n");
      chmodSync(join(folder, "state", closed), 0);
      const asPerson = `await import(${JSON.stringify(join(projectRoot, "src/team/load.ts"))});
        if (process.getuid() === 0) process.setuid(65534);
        process.argv = ["node", "main.ts", "chat", "@athena", "hello there"];
        delete process.env.OLYMPUS_TEAM;
        process.env.OLYMPUS_STATE = ${JSON.stringify(join(folder, "state"))};`;
      const { exitCode, stderr } = await start(`${asPerson}${command("await loadTeam();")}`);
      expect(stderr).toContain("this login may not use it  (E-ACCESS)");
      expect(stderr).toContain(`sudo ${projectRoot}/scripts/olympus chat @athena 'hello there'`);
      expect(exitCode).toBe(1);
    } finally {
      chmodSync(join(folder, "state"), 0o755);
      rmSync(folder, { recursive: true });
    }
  });
});

describe("at a question", () => {
  /** Types \`key\` at the prompt on a terminal of its own. */
  async function typed(key: string): Promise<{ exitCode: number | undefined; shown: string }> {
    const script = command(`return (await confirm("Really?")) ? 0 : 6;`);
    const line = [node, "--disable-warning=ExperimentalWarning", "--input-type=module-typescript", "-e", script]
      .map((word) => `'${word.replaceAll("'", "'\\''")}'`)
      .join(" ");
    const run = execa("script", ["-qec", line, "/dev/null"], { reject: false, env: { CI: "", TERM: "xterm" } });
    await new Promise<void>((resolve) => run.stdout.on("data", (text) => String(text).includes("[y/N]") && resolve()));
    run.stdin.write(key);
    const { exitCode, stdout } = await run;
    return { exitCode, shown: stdout };
  }

  it("Ctrl-C is an interruption, not a fault", async () => {
    const { exitCode, shown } = await typed("\u0003");
    expect(shown).toContain("interrupted; run the same command");
    expect(shown).not.toContain("E-BUG");
    expect(exitCode).toBe(130);
  });

  it("Ctrl-D is no answer", async () => {
    const { exitCode, shown } = await typed("\u0004");
    expect(shown).toContain("E-CONFIRM");
    expect(exitCode).toBe(6);
  });

  it("Enter alone is a no", async () => {
    expect((await typed("\r")).exitCode).toBe(6);
  });
});
