/** The rehearsal forge as it is shipped: one bundled program, killed in the middle of its work. */
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { retry } from "@octokit/plugin-retry";
import { throttling } from "@octokit/plugin-throttling";
import { Octokit } from "@octokit/rest";
import { afterAll, expect, test } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { buildBundle } from "../../src/harness/bundle.ts";
import { world } from "../support/forge.ts";
import { freePort, startService, stopService, untilReady } from "../support/processes.ts";

const dir = mkdtempSync(join(tmpdir(), "olympus-forge-program-"));
const log = join(dir, "log");
let running: ChildProcess | undefined;
afterAll(async () => {
  if (running !== undefined) await stopService(running, "SIGTERM");
  rmSync(dir, { recursive: true });
});

test("killed again and again, it loses nothing that it said was done, and GitHub's client with its plugins goes on", async () => {
  const { folder } = await buildBundle("forge");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  writeFileSync(join(dir, "world.json"), JSON.stringify(world));
  const start = async (): Promise<ChildProcess> => {
    const args = ["--world", join(dir, "world.json"), "--data", join(dir, "data"), "--listen", `127.0.0.1:${port}`];
    const child = startService(join(projectRoot, "node_modules/.bin/node"), [join(folder, "forge.mjs"), ...args], {
      cwd: dir,
      log,
    });
    const answers = () =>
      fetch(`${url}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      );
    await untilReady(child, answers, 60_000);
    return child;
  };
  running = await start();
  const Client = Octokit.plugin(retry, throttling);
  const wait = { onRateLimit: () => true, onSecondaryRateLimit: () => true };
  const client = new Client({
    auth: "token-of-athena",
    baseUrl: `${url}/api/v3`,
    throttle: { ...wait, enabled: false },
  });
  // Of the tries themselves, none again: what was cut off stays so.
  const plain = new Octokit({ auth: "token-of-athena", baseUrl: `${url}/api/v3` });
  const app = { owner: "zeus", repo: "app" };
  const sha = (await client.git.getRef({ ...app, ref: "heads/main" })).data.object.sha;
  const done: number[] = [];
  for (let round = 0; round < 2; round++) {
    const tries = Promise.allSettled(
      Array.from({ length: 8 }, async (_, at) => {
        const number = round * 8 + at;
        await plain.git.createRef({ ...app, ref: `refs/heads/olympus/issue-${number}`, sha });
        done.push(number);
        if (at === 3) running?.kill("SIGKILL");
      }),
    );
    await tries;
    await stopService(running, "SIGKILL");
    running = await start();
  }
  const refs = (await client.paginate(client.git.listMatchingRefs, { ...app, ref: "heads/olympus/" })).map(
    ({ ref }) => ref,
  );
  expect(done.length).toBeGreaterThanOrEqual(2);
  for (const number of done) expect(refs).toContain(`refs/heads/olympus/issue-${number}`);
  expect(readFileSync(log, "utf8")).toContain(`listens on ${url}`);
});
