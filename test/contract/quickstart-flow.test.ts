/** What quickstart shows, by its own code: the example's team on its forge, with its script, its accounts and its repository. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { worldOf } from "../../roles/forge/world.ts";
import { generatedSecrets } from "../../secrets/generated.ts";
import { newSecrets } from "../../secrets/store.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { flowOf, runFlow } from "../../src/deploy/flow.ts";
import { choose, fill, fillInput, loadScript } from "../../src/rehearsal/script.ts";
import { loadTeam } from "../../src/team/load.ts";
import { type TriedForge, tryForge } from "../support/forge.ts";
import { type ForgeAgent, type ForgePlay, forgeAgent } from "../support/forge-agents.ts";
import { playedTeam } from "../support/played-agent.ts";

const team = await loadTeam(join(projectRoot, "examples/quickstart/team.yaml"));
const secrets = newSecrets("/secrets.enc.yaml", []);
for (const { paths, make } of generatedSecrets(team))
  for (const [at, value] of make().entries()) secrets.set(paths[at]!, value);
for (const agent of ["athena", "apollo"]) secrets.set(`agents.${agent}.github`, `token-of-${agent}`);

const script = loadScript();
/** The rehearsal model's script, as its server reads it. */
const play: ForgePlay = ({ system, messages, tools = [] }) => {
  const asked = { model: "rehearsal", messages: messages.slice(-1), tools: tools.map(({ name }) => name) };
  const { answer, match } = choose(script, asked, new Map())!;
  const [tool] = answer.tools;
  return tool === undefined
    ? fill(answer.reply, match, system)
    : { name: tool.name, input: fillInput(tool.input, match, system) };
};

let tried: TriedForge;
const agents: ForgeAgent[] = [];
const chat = playedTeam();

beforeEach(async () => {
  const limits = { contentMinute: 100_000, hour: 1_000_000 };
  tried = await tryForge({ world: worldOf(team, secrets), limits });
  for (const agent of ["athena", "apollo"]) {
    const change = {
      people: [{ login: "mara", name: "alice", command: true, approve: ["merge"] }],
      repositories: [{ name: "olympus/greet", work: agent === "apollo", checks: ["node --test"] }],
    };
    agents.push(
      await forgeAgent(agent, tried.forge.api, ["athena", "apollo"], chat, play, {
        change,
        policy: { lenses: [{ lens: "security" }] },
      }),
    );
  }
  for (const agent of agents) await agent.start();
});

afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.close();
  await tried.forge.close();
  rmSync(tried.dir, { recursive: true });
});

test("the example's team brings a mention to a merged pull request, once: run again, it is as it was", async () => {
  let asked = 0;
  const thread = async (id: string) => chat.thread(id).map(({ text }) => text);
  const mara = {
    async ask(_agent: string, text: string) {
      asked++;
      return chat.say("alice-id", "work", text).id;
    },
    thread,
  };
  const plan = { ...flowOf(team)!, forge: tried.forge.url };
  expect(plan).toMatchObject({ repository: "olympus/greet", agent: "athena", person: "mara", login: "mara" });
  const step = { update: () => undefined, done: () => undefined, fail: () => undefined, interrupt: () => undefined };
  const around = { team, secrets, step, signal: new AbortController().signal };
  const result = await runFlow(plan, around, mara);
  expect(result).toMatchObject({
    merged: true,
    issue: `${tried.forge.url}/olympus/greet/issues/1`,
    pull: `${tried.forge.url}/olympus/greet/pull/2`,
    approved_by: "mara",
  });
  const said = async () => (await thread(result.thread!)).join("\n");
  await expect.poll(said, { timeout: 300_000 }).toMatch(/Merged/);
  expect(await said()).toMatch(
    /I opened \[olympus\/greet#1\][\s\S]*is open for #1: 1 of 1 checks passed[\s\S]*no objections[\s\S]*waits for an approval/,
  );
  const again = await runFlow(plan, around, mara);
  expect(again).toEqual({ ...result, thread: undefined, elapsed_s: 0 });
  expect(asked).toBe(1);
  expect(tried.wrong).toEqual([]);
}, 900_000);
