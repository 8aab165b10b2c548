/** `olympus review`, as a person or a job starts it: on the rehearsal forge, with the rehearsal model, each over HTTP. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSecrets } from "../../secrets/store.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { type RehearsalServer, startRehearsal } from "../../src/rehearsal/model-server.ts";
import { scriptSchema } from "../../src/rehearsal/script.ts";
import { loadTeam } from "../../src/team/load.ts";
import { type TriedForge, tryForge } from "../support/forge.ts";
import { type CliResult, olympus, olympusOk } from "../support/olympus.ts";
import { stepsOf } from "../support/page-steps.ts";

const where = { owner: "zeus", repo: "app" };
const script = scriptSchema.parse({
  answers: [
    {
      match: "through the lens security",
      tools: [
        {
          name: "finish_review",
          input: {
            summary: "Input is trusted. token-of-apollo",
            verdict: "changes",
            findings: [{ path: "src/main.js", line: 2, severity: "major", text: "Never evaluate what came in." }],
          },
        },
      ],
    },
    { match: "through the lens ux", tools: [{ name: "finish_review", input: { summary: "Fine.", verdict: "pass" } }] },
    { match: "[\\s\\S]*", reply: "No." },
  ],
});

let tried: TriedForge;
let model: RehearsalServer;
const dir = mkdtempSync(join(tmpdir(), "olympus-review-command-"));
const zeus = () => tried.as("token-of-zeus");

beforeAll(async () => {
  [tried, model] = await Promise.all([tryForge(), startRehearsal({ script })]);
});
afterAll(async () => {
  await model?.close();
  await tried?.forge.close();
  rmSync(dir, { recursive: true });
  rmSync(tried.dir, { recursive: true });
});

/** A person's pull request that changes src/main.js; its number and head. */
async function pull(branch: string): Promise<{ number: number; sha: string }> {
  const main = (await zeus().git.getRef({ ...where, ref: "heads/main" })).data.object.sha;
  await zeus().git.createRef({ ...where, ref: `refs/heads/${branch}`, sha: main });
  const old = (await zeus().repos.getContent({ ...where, path: "src/main.js", ref: branch })).data as { sha: string };
  const content = Buffer.from(`console.log(1);\neval("${branch}");\n`).toString("base64");
  const change = { ...where, path: "src/main.js", branch, content, message: "Change", sha: old.sha };
  const sha = (await zeus().repos.createOrUpdateFileContents(change)).data.commit.sha!;
  const made = await zeus().pulls.create({ ...where, head: branch, base: "main", title: branch });
  return { number: made.data.number, sha };
}

const reviews = async (number: number) =>
  (await zeus().pulls.listReviews({ ...where, pull_number: number })).data.map(({ user, state, body }) => ({
    by: user?.login,
    state,
    body,
  }));
const statuses = async (ref: string) =>
  (await zeus().repos.getCombinedStatusForRef({ ...where, ref })).data.statuses.map(({ context, state }) => [
    context,
    state,
  ]);

const environment = () => ({
  OLYMPUS_FORGE_API: tried.forge.api,
  OLYMPUS_FORGE_TOKEN: "token-of-apollo",
  OLYMPUS_MODEL: "rehearsal/rehearsal",
  OLYMPUS_MODEL_URL: model.url,
});

test("the page's commands: a dry run writes nothing, then a review a lens and a status, once for a commit; no secret gets out", async () => {
  const { number, sha } = await pull("page");
  const steps = stepsOf("review-pull-requests").filter(({ yaml }) => yaml === undefined);
  expect(steps.map(({ words }) => words[0])).toEqual(["review", "review"]);
  const [dry, real] = steps.map(
    ({ words }) =>
      () =>
        olympus(
          words.map((word) => (word === "owner/repo#12" ? `zeus/app#${number}` : word)),
          { env: environment() },
        ),
  ) as [() => Promise<CliResult>, () => Promise<CliResult>];

  const tried1 = await dry();
  expect(tried1).toMatchObject({ code: 0 });
  expect(tried1.stdout).toMatch(/security +changes wanted[\s\S]*ux +no objections[\s\S]*Input is trusted/);
  expect(tried1.stdout).toContain("src/main.js:2: **major**: Never evaluate what came in.");
  expect(tried1.stdout + tried1.stderr).not.toContain("token-of-apollo");
  expect(await reviews(number)).toEqual([]);
  expect(await statuses(sha)).toEqual([]);

  expect(await real()).toMatchObject({ code: 0 });
  expect(await reviews(number)).toMatchObject([{ by: "apollo", state: "CHANGES_REQUESTED" }]);
  expect((await reviews(number))[0]!.body).toContain("Input is trusted. [secret:");
  expect(await statuses(sha)).toEqual([["olympus/security", "failure"]]);
  const { data: remarks } = await zeus().pulls.listReviewComments({ ...where, pull_number: number });
  expect(remarks).toMatchObject([{ path: "src/main.js", line: 2, user: { login: "apollo" } }]);

  const calls = model.calls.length;
  const again = await olympus(["review", `zeus/app#${number}`, "--json"], { env: environment() });
  expect(again.events.at(-1)).toMatchObject({
    type: "review",
    repo: "zeus/app",
    number,
    lenses: [{ lens: "security", by: "olympus", verdict: "changes", known: true }],
  });
  expect([model.calls.length, (await reviews(number)).length]).toEqual([calls, 1]);
  expect(tried.wrong).toEqual([]);
}, 600_000);

test("what is missing or refused is said, with the next step; a model without a review is a failure", async () => {
  const { number } = await pull("wrong");
  const at = `zeus/app#${number}`;
  const run = (words: string[], change: Record<string, string> = {}) =>
    olympus(["review", ...words, "--json"], { env: { GITHUB_TOKEN: "", ...environment(), ...change } });
  const [noToken, noModel, own, gone, words, silent] = await Promise.all([
    run([at], { OLYMPUS_FORGE_TOKEN: "" }),
    run([at], { OLYMPUS_MODEL: "" }),
    run([at], { OLYMPUS_FORGE_TOKEN: "token-of-zeus" }),
    run(["zeus/app#999"]),
    run(["app"]),
    run([at, "--lens", "performance"]),
  ]);
  const of = ({ code, events }: CliResult) => [code, events.at(-1)?.code];
  expect([noToken, noModel, own, gone, words].map(of)).toEqual([
    [1, "E-REVIEW-SETUP"],
    [1, "E-REVIEW-SETUP"],
    [2, "E-REVIEW-PULL"],
    [2, "E-REVIEW-FORGE"],
    [1, "E-USAGE"],
  ]);
  expect(silent.code).toBe(2);
  expect(silent.events.at(-1)).toMatchObject({ lenses: [{ failed: expect.stringContaining("finish_review") }] });
  expect(await reviews(number)).toEqual([]);
}, 600_000);

test("with a team file that lists the repository: its policy's lenses, by its agents, with tokens from its secrets", async () => {
  const { number, sha } = await pull("team");
  const file = join(dir, "team.yaml");
  const text = readFileSync(join(projectRoot, "examples/lab/team.yaml"), "utf8")
    .replace("    duties: [orchestration]\n", "    duties: [orchestration]\n    roles: { github: { login: athena } }\n")
    .replace("{ provider: rehearsal, model: rehearsal }", `{ provider: rehearsal, model: r, baseUrl: "${model.url}" }`)
    .replace(
      "\npolicy:\n",
      "\nforge: { api: FORGE }\nrepositories:\n  zeus/app: {}\n\npolicy:\n  reviews: [{ lens: ux }]\n",
    )
    .replace("FORGE", tried.forge.api);
  writeFileSync(file, text);
  const env = { SOPS_AGE_KEY_FILE: join(dir, "age.txt") };
  await olympusOk(["secrets", "init", "--team", file], { env });
  Object.assign(process.env, env);
  const secrets = await openSecrets(await loadTeam(file));
  secrets.set("agents.athena.github", "token-of-athena");
  await secrets.save();
  const { code, stdout, stderr } = await olympus(["review", `zeus/app#${number}`, "--team", file], { env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/ux +no objections +0 +0 +athena +http/);
  expect(await reviews(number)).toMatchObject([{ by: "athena", state: "COMMENTED" }]);
  expect(await statuses(sha)).toEqual([["olympus/ux", "success"]]);
}, 600_000);
