/** Role `openclaw`: packages of the real ones' shape, which take minutes to install, from a local registry; in the harness's place and back. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { role as agentRole } from "../../roles/agent/role.ts";
import { role as nodeRole } from "../../roles/node/role.ts";
import { nodeRuntime } from "../../roles/node/runtime.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { buildBundle } from "../../src/harness/bundle.ts";
import { snapshotDifference, snapshotHost } from "../support/host-snapshot.ts";
import { agentOf, openclawOperations, openclawSecretValues, publishOpenclaw } from "../support/openclaw.ts";
import { type Publisher, startPublisher } from "../support/publisher.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

let lab: RoleLab;
let registry: Publisher;
let before: string[];
let node: Operation[];
let harness: Operation[];
const params = () => ({ version: "1.0.0", plugin: "1.0.1", registry: registry.url });
const address = () => lab.machines[0]!.address;

beforeAll(async () => {
  lab = await openRoleLab(1);
  registry = await startPublisher(lab.lab.hostAddress);
  publishOpenclaw(registry);
  const runtime = nodeRuntime();
  node = nodeRole.setup({ node: runtime }, {});
  harness = agentRole.setup(
    {
      agent: "athena",
      url: `http://${address()}:18789`,
      ...agentOf(address()),
      node: runtime,
      bundle: await buildBundle("harness"),
      drain: 5,
    },
    agentRole.params.parse({}),
  );
  before = await snapshotHost((script) => lab.inside(script));
});
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  await lab?.close();
});

const asked = (host: string, path: string, token = ""): Promise<string> =>
  lab.inside(
    `bash -c 'exec 3<>/dev/tcp/${host}/18789 || exit 0; printf "GET ${path} HTTP/1.0\\r\\nHost: ${host}:18789\\r\\nAuthorization: Bearer ${token}\\r\\n\\r\\n" >&3; cat <&3' 2>/dev/null`,
  );
const units = (): Promise<string> =>
  lab.inside(
    "systemctl list-units --state=active --plain --no-legend 'olympus-agent*' 'openclaw*' | awk '{ print $1, $3 }'",
  );

test("set up where the harness stood, it takes its place: the harness goes, its data stays, again nothing changes", async () => {
  const first = await lab.apply("setup", { node, agent: harness });
  expect(first.errors).toEqual([]);
  expect(await asked(address(), "/healthz")).toContain("200 OK");

  const operations = await openclawOperations(address(), params());
  // As left by a run that was killed while the plugin was installed.
  await lab.inside("systemd-run --quiet --collect --unit=openclaw-plugin sleep infinity");
  const switched = await lab.apply("setup", { node, openclaw: operations });
  expect(switched.errors).toEqual([]);
  expect(await units()).toBe("openclaw.service active\n");
  expect(await asked("127.0.0.1", "/healthz")).toContain("200 OK");
  expect(await asked(address(), "/healthz")).toBe("");
  expect(await lab.inside("ls /srv/olympus/agent; ls /etc/olympus /etc/olympus/secrets; ls /opt/olympus")).toMatch(
    /^harness\.sqlite[\s\S]*\n\/etc\/olympus:\nopenclaw\.json\nsecrets\n\n\/etc\/olympus\/secrets:\nopenclaw\.json\nnode\nopenclaw\ntools\n$/,
  );
  // Its own install script ran, since it would not start otherwise; that of a package that came along did not.
  expect(await lab.inside("cd /opt/olympus/openclaw/1.0.0/lib/node_modules/openclaw; ls . node_modules/native")).toBe(
    ".:\nnode_modules\nopenclaw.mjs\npackage.json\ntidy.mjs\n\nnode_modules/native:\nindex.js\npackage.json\n",
  );
  const again = await lab.apply("setup", { node, openclaw: operations });
  expect([again.errors, again.changed]).toEqual([[], 0]);
});

test("it has its plugin, its persona and its token; nothing of them shows, and it may do little", async () => {
  const token = openclawSecretValues["dashboard-token"];
  expect(await asked("127.0.0.1", "/", token)).toContain("@openclaw/mattermost 1.0.1 You look after planning.");
  expect(await asked("127.0.0.1", "/", "wrong")).toContain("401");
  const pid = (await lab.inside("systemctl show -P MainPID openclaw")).trim();
  const seen = await lab.inside(
    `cat /proc/${pid}/cmdline /proc/${pid}/environ; systemctl show openclaw; journalctl -u openclaw; cat /etc/olympus/openclaw.json; cat /var/lib/olympus/journal/journal.jsonl`,
  );
  for (const value of Object.values(openclawSecretValues)) expect(seen).not.toContain(value);
  const status = await lab.inside(`cat /proc/${pid}/status`);
  expect(status).toMatch(/CapEff:\s+0000000000000000/);
  expect(status).toMatch(/NoNewPrivs:\s+1/);
  expect(await lab.inside("stat -c '%a %U' /etc/olympus/secrets/openclaw.json /srv/olympus/openclaw/state.json")).toBe(
    "600 root\n600 openclaw\n",
  );
  expect(await lab.inside(`nsenter -t ${pid} -m ls /srv/olympus/agent 2>&1 | head -1`)).toBe("");
});

test("what the agent puts into its data leads root nowhere: not into other files, nor into a pipe, nor to another registry", async () => {
  const note = "/opt/olympus/openclaw/plugin";
  const project = "/srv/olympus/openclaw/npm/projects/openclaw-mattermost-1";
  const manifest = `${project}/node_modules/@openclaw/mattermost/package.json`;
  const settings = "/opt/olympus/node/*/etc";
  await lab.inside(`echo root >/root/precious
runuser -u openclaw -- sh -euc 'ln -sf /root/precious /srv/olympus/openclaw/olympus-plugin
echo @openclaw:registry=http://127.0.0.1:9/ >${project}/.npmrc; rm ${manifest}; mkfifo ${manifest}'
own="$(PATH=/opt/olympus/openclaw/npm:$PATH npm config get globalconfig)"; mkdir "$(dirname "$own")"; echo registry=${registry.url} >"$own"`);
  // Its packages are there: npm's own setting decides about the plugin alone.
  const { version, plugin } = params();
  const mended = await lab.apply("setup", { node, openclaw: await openclawOperations(address(), { version, plugin }) });
  expect([mended.errors, mended.changed]).toEqual([[], 1]);
  expect(
    await lab.inside(`cat /root/precious ${note}; stat -c '%U %F' ${note}; [ -e ${project}/.npmrc ] || echo gone`),
  ).toBe("root\n1.0.0 1.0.1\nroot regular file\ngone\n");
  expect(await asked("127.0.0.1", "/", openclawSecretValues["dashboard-token"])).toContain("mattermost 1.0.1");
  // The install was shut in as the gateway is.
  const status = await lab.inside(`cat ${project}/installed-by`);
  expect(status).toMatch(/CapBnd:\s+0+\nCapAmb:\s+0+\nNoNewPrivs:\s+1\nSeccomp:\s+2/);
  await lab.inside(`rm -r /root/precious /root/.npm /srv/olympus/openclaw/olympus-plugin ${settings}`);
});

test("a configuration that its own look refuses does not replace the old one, and it goes on", async () => {
  const old = await lab.inside("sha256sum /etc/olympus/openclaw.json; systemctl show -P MainPID openclaw");
  const bad = await openclawOperations(address(), { ...params(), settings: { nonsense: true } });
  const refused = await lab.apply("setup", { node, openclaw: bad });
  expect(refused.errors.map(({ message }) => message).join()).toMatch(/nonsense[\s\S]*its own check refuses it/);
  expect(await lab.inside("sha256sum /etc/olympus/openclaw.json; systemctl show -P MainPID openclaw")).toBe(old);
  expect(await asked("127.0.0.1", "/readyz")).toContain("200 OK");
});

test("back to the harness OpenClaw goes, its data stays; a reset of either leaves the machine as it was", async () => {
  const back = await lab.apply("setup", { node, agent: harness });
  expect(back.errors).toEqual([]);
  expect(await units()).toBe("olympus-agent.service active\n");
  expect(await asked(address(), "/healthz")).toContain("200 OK");
  expect(await asked("127.0.0.1", "/healthz")).toBe("");
  expect(
    await lab.inside(
      "ls /srv/olympus/openclaw; ls -d /opt/olympus/openclaw /etc/olympus/openclaw.json 2>&1 | grep -v cannot || true",
    ),
  ).toBe("npm\nstate.json\nworkspace\n");
  const operations = await openclawOperations(address(), params());
  expect((await lab.apply("setup", { node, openclaw: operations })).errors).toEqual([]);
  const kinds = { node, openclaw: operations, agent: harness };
  const reset = await lab.apply("reset", kinds, { purge: ["openclaw", "memory"] });
  expect(reset.errors).toEqual([]);
  expect(snapshotDifference(before, await snapshotHost((script) => lab.inside(script)))).toEqual([]);
});
