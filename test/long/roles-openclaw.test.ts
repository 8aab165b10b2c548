/** Role `openclaw` with the real packages: several hundred of them, some minutes. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { role as nodeRole } from "../../roles/node/role.ts";
import { nodeRuntime } from "../../roles/node/runtime.ts";
import { snapshotDifference, snapshotHost } from "../support/host-snapshot.ts";
import { openclawOperations, openclawSecretValues } from "../support/openclaw.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

let lab: RoleLab;
beforeAll(async () => {
  lab = await openRoleLab(1);
}, 300_000);
afterAll(async () => lab?.close());

const get = (path: string): Promise<string> =>
  lab.inside(
    `bash -c 'exec 3<>/dev/tcp/127.0.0.1/18789; printf "GET ${path} HTTP/1.0\\r\\nHost: 127.0.0.1:18789\\r\\n\\r\\n" >&3; cat <&3'`,
  );
const journal = (): Promise<string> => lab.inside("journalctl -u openclaw --no-pager -o cat");
const patience = { timeout: 300_000, interval: 1000 };

test("the real OpenClaw with its plugin answers on loopback, refuses what it does not know, and leaves nothing", async () => {
  const address = lab.machines[0]!.address;
  const before = await snapshotHost((script) => lab.inside(script));
  const node = nodeRole.setup({ node: nodeRuntime() }, {});
  const operations = await openclawOperations(address, {});
  const setup = await lab.apply("setup", { node, openclaw: operations });
  expect(setup.errors).toEqual([]);
  const again = await lab.apply("setup", { node, openclaw: operations });
  expect([again.errors, again.changed]).toEqual([[], 0]);

  expect(await get("/healthz")).toMatch(/200 OK[\s\S]*"live"/);
  // Its channels start after it answers, and it is ready also where the chat is nowhere.
  await expect.poll(() => get("/readyz"), patience).toMatch(/200 OK[\s\S]*"ready":true/);
  await expect.poll(journal, patience).toMatch(/\[mattermost\].*starting channel/);
  expect(await lab.inside("ss -Hltn 'sport = :18789' | awk '{ print $4 }' | sort")).not.toMatch(/0\.0\.0\.0|\*:|10\./);
  const log = await journal();
  const pid = (await lab.inside("systemctl show -P MainPID openclaw")).trim();
  const seen = await lab.inside(`cat /proc/${pid}/cmdline /proc/${pid}/environ /etc/olympus/openclaw.json`);
  for (const value of Object.values(openclawSecretValues)) expect(seen + log).not.toContain(value);

  const bad = await openclawOperations(address, { settings: { tools: { profile: "moon" } } });
  const refused = await lab.apply("setup", { node, openclaw: bad });
  expect(refused.errors.map(({ message }) => message).join()).toMatch(/tools\.profile[\s\S]*its own check refuses it/);
  expect(await get("/readyz")).toContain("200 OK");

  const reset = await lab.apply("reset", { node, openclaw: operations }, { purge: ["openclaw"] });
  expect(reset.errors).toEqual([]);
  expect(snapshotDifference(before, await snapshotHost((script) => lab.inside(script)))).toEqual([]);
});
