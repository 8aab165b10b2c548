/**
 * Work with a shell, whole: a person mentions the agent in a real Mattermost, the model answers over its wire format with calls of
 * tools, commands run in the real sandbox of the real unit under systemd, the answer is in the thread.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RehearsalServer, startRehearsal } from "../../src/rehearsal/model-server.ts";
import { scriptSchema } from "../../src/rehearsal/script.ts";
import { agentOnKernel, askPage, type KernelAgent } from "../support/agent-on-kernel.ts";
import { type ChatTeam, seedChatTeam } from "../support/chat-team.ts";
import { type MattermostServer, startMattermost } from "../support/mattermost.ts";

const script = scriptSchema.parse({
  answers: [
    {
      match: "please make a greeting",
      tools: [{ name: "work", input: { task: "TASK: write greeting.py and run it" } }],
    },
    {
      match: "^TASK: write greeting",
      tools: [
        {
          name: "bash",
          input: {
            script: `echo 'print("hello" + " from the sandbox")' > greeting.py
python3 greeting.py; echo "user $(id -u)"
env; cat /proc/*/environ /run/credentials/*/* /etc/olympus/* /srv/olympus/agent/* 2>&1 | tr '\\0' '\\n'`,
          },
        },
      ],
    },
    { match: "hello from the sandbox", tools: [{ name: "submit", input: { summary: "It prints the greeting." } }] },
    { match: "It prints the greeting[\\s\\S]*?(greeting\\.py \\(\\d+ bytes\\))", reply: "Done: $1." },
  ],
});

const root = mkdtempSync(join(tmpdir(), "olympus-work-"));
let mattermost: MattermostServer;
let team: ChatTeam;
let model: RehearsalServer;
const athena = () => team.bots.athena!;

beforeAll(async () => {
  mattermost = await startMattermost();
  team = await seedChatTeam(mattermost.url);
  model = await startRehearsal({ script });
});
afterAll(async () => {
  await model?.close();
  await mattermost?.stop();
  rmSync(root, { recursive: true, force: true });
});

const readiness = `for n in $(seq 100); do ${askPage("/api/status")} | grep -q '"state":"starting"' || break; sleep 1; done
echo "@@$(${askPage("/readyz")})"
echo "@@$(${askPage("/api/status")})"`;

/** What the agent says to somebody who wants a greeting made, and how it was when it was ended. */
async function askFor(delegated: boolean): Promise<{ said: string; asked: typeof model.calls; health: unknown }> {
  const before = model.calls.length;
  const folder = join(root, delegated ? "with" : "without");
  const agent: KernelAgent = await agentOnKernel({
    folder,
    team,
    modelUrl: model.url,
    delegated,
    after: readiness,
  });
  try {
    const post = await team.say(team.people.alice, team.channels.work!, "@athena please make a greeting");
    const answers = await Promise.race([team.answers(post.id, athena(), 1, 600), agent.failed]);
    expect(answers).toHaveLength(1);
    const health = await agent.end();
    return { said: answers[0]!.message, asked: model.calls.slice(before), health };
  } finally {
    await agent.end();
  }
}

test("a mention that asks for work: done with a shell in the sandbox, answered in its thread with what was done", async () => {
  const { said, asked, health } = await askFor(true);
  expect(said).toMatch(/^Done: greeting\.py \(\d+ bytes\)\.$/);
  expect(asked.map(({ tools }) => tools)).toEqual([["work"], ["bash", "submit"], ["bash", "submit"], ["work"]]);
  expect(new Set(asked.map(({ format }) => format))).toEqual(new Set(["anthropic"]));
  const seen = asked[2]!.messages.at(-1)!.content;
  expect(seen).toMatch(/^\[exit code \d+\]\nhello from the sandbox\nuser 1000\n/);
  for (const { messages } of asked) expect(JSON.stringify(messages)).not.toContain(athena().token);
  expect(health).toMatchObject([{ status: "ready" }, { tools: { state: "on" } }]);
}, 900_000);

test("G7 where no sandbox can be made, whoever asks for work is told in the thread why, and health says so", async () => {
  const { said, asked, health } = await askFor(false);
  expect(said).toMatch(/^I cannot run commands on my machine, so I did nothing: /);
  expect(asked).toHaveLength(1);
  expect(health).toMatchObject([{ status: "ready" }, { tools: { state: "off" } }]);
}, 900_000);
