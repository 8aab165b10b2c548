import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { SecretStore } from "../../secrets/store.ts";
import { projectRoot } from "../base/paths.ts";
import { Secret } from "../base/secret.ts";
import { loadTeam } from "../team/load.ts";
import type { LoadedTeam } from "../team/model.ts";
import { sumCosts, teamCost } from "./cost.ts";

const row = { calls: 1, failed: 0, inputTokens: 10, cachedTokens: 5, outputTokens: 2, usd: 0.5, tookMs: 900 };
const on = (day: string, model: string, usd: number) => ({ ...row, day, provider: "openai", model, usd });
const costs = [
  { agent: "athena", days: [on("2026-11-20", "gpt-5", 1), on("2026-11-21", "gpt-5-mini", 0.1)], unreached: undefined },
  { agent: "apollo", days: [on("2026-11-20", "gpt-5", 2)], unreached: undefined },
];

it("sums by agent and by model with the dearest first, by day in their order", () => {
  const keys = (by: "agent" | "model" | "day") => sumCosts(costs, by).map(({ key, usd, calls }) => [key, usd, calls]);
  expect(keys("agent")).toEqual([
    ["apollo", 2, 1],
    ["athena", 1.1, 2],
  ]);
  expect(keys("model")).toEqual([
    ["openai/gpt-5", 3, 2],
    ["openai/gpt-5-mini", 0.1, 1],
  ]);
  expect(keys("day")).toEqual([
    ["2026-11-20", 3, 2],
    ["2026-11-21", 0.1, 1],
  ]);
});

let folder: string;
let agent: Server;
let team: LoadedTeam;
let status = 200;
/** What the agent says in place of its costs. */
let instead: object | undefined;
const asked: (string | undefined)[] = [];
const secrets = { require: (path: string) => new Secret(path, "the-token") } as unknown as SecretStore;
const options = () => ({ days: 7, names: ["athena"], port: (agent.address() as AddressInfo).port });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "olympus-cost-"));
  const example = readFileSync(join(projectRoot, "examples/lab/team.yaml"), "utf8");
  writeFileSync(join(folder, "team.yaml"), example.replaceAll("10.220.1.", "127.77.3."));
  team = await loadTeam(join(folder, "team.yaml"));
  agent = createServer((request, response) => {
    asked.push(request.url, request.headers.authorization);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(instead ?? { version: 1, agent: "athena", days: costs[0]!.days }));
  });
  await new Promise<void>((resolve) => agent.listen(0, "127.77.3.50", resolve));
});
afterAll(() => {
  agent.close();
  rmSync(folder, { recursive: true });
});

it("asks the agents' own journals, with their tokens", async () => {
  const [athena] = await teamCost(team, secrets, options(), new AbortController().signal);
  expect(athena).toEqual(costs[0]);
  expect(asked).toEqual(["/api/cost?days=7", "Bearer the-token"]);
});

it.each([{}, [], { version: 1, agent: "athena", days: [{ usd: 1 }] }])(
  "an agent that answers %j is not counted as one that cost nothing",
  async (answer) => {
    instead = answer;
    const [athena] = await teamCost(team, secrets, options(), new AbortController().signal);
    expect(athena?.unreached).toContain("its answer is not what an agent says");
    instead = undefined;
  },
);

it("says which agent could not be asked, and why; and knows the names", async () => {
  const { signal } = new AbortController();
  status = 401;
  expect((await teamCost(team, secrets, options(), signal))[0]!.unreached).toContain("dashboard token");
  const nobody = await teamCost(team, secrets, { ...options(), port: 18_790 }, signal);
  expect(nobody[0]!.unreached).toBe("nothing listens on 127.77.3.50:18790");
  await expect(teamCost(team, secrets, { ...options(), names: ["athen"] }, signal)).rejects.toMatchObject({
    code: "E-UNKNOWN",
  });
});
