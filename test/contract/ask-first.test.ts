import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { freeNetwork } from "../support/free-network.ts";

// Whatever uses root's rights asks before: on a terminal, a no ends it; where nobody can be asked, the question does. Nothing is changed by either.

let folder: string;
let env: Record<string, string>;
let quickstart: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "olympus-ask-"));
  const bin = join(folder, "bin");
  mkdirSync(bin);
  // A computer without any of the packages, and an apt-get that leaves a trace.
  writeFileSync(join(bin, "dpkg-query"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  writeFileSync(join(bin, "apt-get"), `#!/bin/sh\ntouch ${join(folder, "apt-ran")}\nexit 1\n`, { mode: 0o755 });
  // CI is empty: CI=true would agree.
  env = { OLYMPUS_STATE: join(folder, "state"), CI: "", NO_COLOR: "1", PATH: `${bin}:${process.env.PATH}` };
  const team = join(folder, "team.yaml");
  copyFileSync(join(projectRoot, "examples/lab/team.yaml"), team);
  const network = freeNetwork(224);
  const text = readFileSync(team, "utf8").replaceAll("10.220.1.", `${network}.`);
  const ports = [...text.matchAll(/^ +"(\d+)":/gm)].map(([, port]) => port!);
  const free = await freePorts(ports.length);
  writeFileSync(
    team,
    ports.reduce((whole, port, at) => whole.replace(`"${port}":`, `"${free[at]}":`), text),
  );
  quickstart = `${join(projectRoot, "scripts/quickstart")} --team ${team}`;
});
afterAll(() => rmSync(folder, { recursive: true }));

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once("listening", resolve))));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  for (const server of servers) server.close();
  return ports;
}

const prepare = `${join(projectRoot, "scripts/olympus")} prepare`;
const untouched = (): boolean => !existsSync(env.OLYMPUS_STATE!) && !existsSync(join(folder, "apt-ran"));

describe.each([
  ["quickstart", () => quickstart, /nothing has been changed\. Continue\?/],
  ["prepare", () => `${prepare} --for lab`, /Install \d+ Debian packages \(.*mmdebstrap.*\)\?/],
  [
    "a suite on real parts",
    () => join(projectRoot, "scripts/test contract"),
    /with root.*chromium.*nothing has been changed\. Continue\?/s,
  ],
  [
    "every suite",
    () => join(projectRoot, "scripts/test"),
    /with root.*lab machines.*nothing has been changed\. Continue\?/s,
  ],
  ["prepare for the tests", () => `${prepare} --for tests`, /Install \d+ Debian packages \(.*chromium.*\)\?/],
])("%s", (_what, command, question) => {
  it("where nobody can be asked ends with its question, how to agree, and exit 6", async () => {
    const { exitCode, all } = await execa({
      all: true,
      shell: true,
      env,
      reject: false,
      stdin: "ignore",
      cwd: projectRoot,
    })`${command()}`;
    expect(all).toMatch(question);
    expect(all).toMatch(/Nobody can be asked here.*\n {2}do {3}.*--yes/);
    expect(exitCode).toBe(6);
    expect(untouched()).toBe(true);
  });

  it.each(["n", "", "yess"])('on a terminal takes "%s" for a no', async (answer) => {
    // `script` gives the command a terminal of its own.
    const { exitCode, stdout } = await execa("script", ["-qec", command(), "/dev/null"], {
      env,
      input: `${answer}\n`,
      reject: false,
      cwd: projectRoot,
    });
    expect(stdout).toMatch(question);
    expect(stdout).toContain("[y/N]");
    expect(exitCode).toBe(6);
    expect(untouched()).toBe(true);
  });
});
