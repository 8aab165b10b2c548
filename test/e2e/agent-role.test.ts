/** Roles `node`, `agent` and `rehearsal` on a real machine with systemd: hardened units, credentials, restart, reset and setup again. */
import { createHash } from "node:crypto";
import { connect, createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { role as agentRole } from "../../roles/agent/role.ts";
import { role as nodeRole } from "../../roles/node/role.ts";
import { nodeRuntime } from "../../roles/node/runtime.ts";
import { role as rehearsalRole } from "../../roles/rehearsal/role.ts";
import { grantLine, scopes } from "../../src/base/grants.ts";
import { Secret } from "../../src/base/secret.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { buildBundle } from "../../src/harness/bundle.ts";
import type { AgentConfigInput } from "../../src/harness/config.ts";
import { type ChatTeam, seedChatTeam } from "../support/chat-team.ts";
import { type MattermostServer, startMattermost } from "../support/mattermost.ts";
import { eventually } from "../support/olympus.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

let lab: RoleLab;
let mattermost: MattermostServer;
let team: ChatTeam;
let door: Server;
let operations: Record<"node" | "rehearsal" | "agent", Operation[]>;
const athena = () => team.bots.athena!;
const address = () => lab.machines[0]!.address;

beforeAll(async () => {
  [lab, mattermost] = await Promise.all([openRoleLab(1), startMattermost()]);
  team = await seedChatTeam(mattermost.url);
  // The server listens on 127.0.0.1; the machine reaches it through this computer's leg in its network.
  door = createServer((inside) => {
    const outside = connect(mattermost.port, "127.0.0.1");
    inside.pipe(outside).pipe(inside);
    for (const socket of [inside, outside]) socket.on("error", () => inside.destroy());
  });
  await new Promise<void>((resolve) => door.listen(mattermost.port, lab.lab.hostAddress, resolve));
  const [bundle, rehearsal] = await Promise.all([buildBundle("harness"), buildBundle("rehearsal")]);
  const node = nodeRuntime();
  const config: AgentConfigInput = {
    version: 1,
    agent: "athena",
    team: "lab",
    persona: "You look after planning.",
    chat: {
      url: `http://${lab.lab.hostAddress}:${mattermost.port}`,
      tokenFile: "mattermost-token",
      botId: athena().id,
      people: [{ id: team.people.alice.id, name: "alice", command: true }],
    },
    models: [{ provider: "rehearsal", model: "rehearsal", baseUrl: `http://${address()}:18780` }],
    budget: { run: 1, day: 5 },
    listen: { address: address(), port: 18789, tokenFile: "dashboard-token" },
    dataDir: "/srv/olympus/agent",
  };
  const secrets = {
    "mattermost-token": new Secret("bot", athena().token),
    "dashboard-token": new Secret("dashboard", grantLine("dashboard-token", scopes)),
  };
  operations = {
    node: nodeRole.setup({ node }, {}),
    rehearsal: rehearsalRole.setup({ address: address(), node, bundle: rehearsal }, rehearsalRole.params.parse({})),
    agent: agentRole.setup(
      {
        agent: "athena",
        url: `http://${address()}:18789`,
        config,
        secrets,
        authority: undefined,
        drain: 30,
        node,
        bundle,
      },
      agentRole.params.parse({}),
    ),
  };
});

afterAll(async () => {
  door?.close();
  await Promise.all([lab?.close(), mattermost?.stop()]);
});

async function answered(text: string): Promise<void> {
  const post = await team.say(team.people.alice, team.channels.work!, text);
  expect(await team.answers(post.id, athena(), 1, 600)).toHaveLength(1);
}

test("set up, it answers; set up again, nothing changes", async () => {
  const first = await lab.apply("setup", operations);
  expect(first.errors).toEqual([]);
  await answered("@athena who are you?");
  const second = await lab.apply("setup", operations);
  expect(second.errors).toEqual([]);
  expect(second.changed).toBe(0);
});

test("the process has no rights, and its secrets are in no argument and no environment", async () => {
  const pid = (await lab.inside("systemctl show -P MainPID olympus-agent")).trim();
  const status = await lab.inside(`cat /proc/${pid}/status`);
  expect(status).toMatch(/CapEff:\s+0000000000000000/);
  expect(status).toMatch(/NoNewPrivs:\s+1/);
  expect(status).not.toMatch(/^Uid:\s+0/m);
  const seen = await lab.inside(
    `cat /proc/${pid}/cmdline /proc/${pid}/environ; systemctl show olympus-agent; journalctl -u olympus-agent`,
  );
  expect(seen).not.toContain(athena().token);
  expect(
    await lab.inside("stat -c '%a %U' /etc/olympus/secrets/mattermost-token /srv/olympus/agent/harness.sqlite"),
  ).toBe("600 root\n600 olympus\n");
  // As the rotation of the team's key looks at what a process was handed.
  expect(await lab.inside("sed '$a\\' /run/credentials/olympus-agent.service/mattermost-token | sha256sum")).toContain(
    createHash("sha256").update(`${athena().token}\n`).digest("hex"),
  );
});

test("what has secrets in its memory leaves no core dump, to a file or to a program", async () => {
  const pid = (): Promise<string> => lab.inside("systemctl show -P MainPID olympus-agent");
  const before = (await pid()).trim();
  for (const unit of ["olympus-agent", "olympus-rehearsal"]) {
    expect(await lab.inside(`systemctl show -P LimitCORE -P LimitCORESoft -P CoredumpFilter ${unit}`)).toBe(
      "0\n0\n0x0\n",
    );
  }
  expect(await lab.inside(`cat /proc/${before}/coredump_filter`)).toBe("00000000\n");
  await lab.inside(`touch /run/before; kill -ABRT ${before}`);
  await eventually("the harness to be back", async () => !["0", before].includes((await pid()).trim()));
  expect(await lab.inside("journalctl -u olympus-agent")).toContain("code=killed, status=6/ABRT");
  expect(await lab.inside("find / -xdev -name '*core*' -type f -newer /run/before -size +64k")).toBe("");
});

test("killed, it is back by itself and answers what came meanwhile", async () => {
  await lab.inside("systemctl kill -s KILL olympus-agent");
  await answered("@athena hello again");
});

test("reset leaves its memory and nothing else; set up again, it goes on", async () => {
  const reset = await lab.apply("reset", operations);
  expect(reset.errors).toEqual([]);
  expect(await lab.inside("ls /srv/olympus/agent")).toContain("harness.sqlite");
  const left = (): Promise<string> =>
    lab.inside(
      "systemctl list-units --all --plain --no-legend 'olympus-*'; ls -d /opt/olympus /etc/olympus/agent.json 2>/dev/null; true",
    );
  // The run's own unit ends a moment after it has told its outcome.
  await eventually("nothing to be left", async () => (await left()) === "", 120_000);
  const post = await team.say(team.people.alice, team.channels.work!, "@athena hello while you are away");
  const again = await lab.apply("setup", operations);
  expect(again.errors).toEqual([]);
  expect(await team.answers(post.id, athena(), 1, 600)).toHaveLength(1);
});
