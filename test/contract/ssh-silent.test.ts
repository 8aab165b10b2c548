/** The system's own ssh, as `olympus ssh` runs it, when the other end falls silent. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { knownHosts, sshWords } from "../../src/machines/ssh-command.ts";
import { makeKey, startSshd } from "../support/sshd.ts";

test("a machine that says nothing any more is told, not only by exit code 255", async () => {
  const folder = mkdtempSync(join(tmpdir(), "olympus-silent-"));
  const server = await startSshd(folder, "athena", makeKey(folder, "mine"));
  const frozen = join(folder, "frozen");
  try {
    const files = { key: join(folder, "mine"), knownHosts: join(folder, "known_hosts") };
    writeFileSync(files.knownHosts, knownHosts(server.target));
    // The session's own sshd is stopped: the connection stands, and nothing comes.
    const silence = `echo "$PPID $$" >${frozen}; kill -STOP $PPID; exec sleep infinity`;
    // The first of two settings counts: a second in place of two minutes.
    const sooner = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=1"];
    const words = [...sooner, ...sshWords(server.target, files, [silence], false)];
    const { exitCode, stderr } = await execa("ssh", words, { reject: false, stdin: "ignore" });
    expect(exitCode).toBe(255);
    expect(stderr).toContain("not responding");
  } finally {
    if (existsSync(frozen)) {
      for (const pid of readFileSync(frozen, "utf8").trim().split(" ")) process.kill(Number(pid), "SIGKILL");
    }
    await server.stop();
    rmSync(folder, { recursive: true });
  }
});
