import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { projectRoot } from "../base/paths.ts";
import { silentReporter } from "../base/report.ts";
import { addressLines, partingLines, workLines } from "../cli/quickstart.ts";
import { loadTeam } from "../team/load.ts";
import { quickstart } from "./quickstart.ts";

const team = await loadTeam(join(projectRoot, "examples/lab/team.yaml"));
const labChanges: string[] = [];
const deployed = { changed: 0 };

// Each of these is proven on its own and on VMs; here it counts what is made of their answers.
vi.mock("../prerequisites/packages.ts", () => ({ installPackages: async () => undefined }));
vi.mock("../toolchain/index.ts", () => ({ ensureTools: async () => ({}) }));
vi.mock("../lab/index.ts", () => ({ labUp: vi.fn(async () => ({ team, changes: labChanges })) }));
vi.mock("../images/index.ts", () => ({ ensureImage: async () => ({ path: "/image", identity: "4f1c9a" }) }));
vi.mock("../../secrets/store.ts", () => ({ openSecrets: async () => ({}) }));
const { deploy } = vi.hoisted(() => ({ deploy: vi.fn(async (_: { readonly hosts?: readonly string[] }) => deployed) }));
vi.mock("./deploy.ts", () => ({ deploy }));
vi.mock("../bootstrap/ask.ts", () => ({
  askAgent: async () => ({ answer: "I am Athena.", ackMs: 58, answerMs: 1_900 }),
}));

const forge = "http://10.220.1.20:18781";
const shown = vi.hoisted(() => ({ flow: undefined as object | undefined }));
vi.mock("./flow.ts", () => ({ flowOf: () => shown.flow && { forge }, runFlow: async () => shown.flow }));

const answering = vi.spyOn(globalThis, "fetch");
const run = (missing: string[], reporter = silentReporter(), standing = false): ReturnType<typeof quickstart> =>
  quickstart(
    { missing, lines: [], teamFile: "mine.yaml", merges: shown.flow !== undefined, standing, asks: true },
    { reporter, signal: new AbortController().signal },
  );

beforeEach(() => {
  vi.stubEnv("SUDO_USER", "");
  answering.mockImplementation(async () => new Response("here"));
  labChanges.length = 0;
  deployed.changed = 0;
  shown.flow = undefined;
});
afterEach(() => vi.unstubAllEnvs());

it("gives the promised object, with addresses on this computer and the time it took", async () => {
  labChanges.push("network", "r420");
  deployed.changed = 40;
  const { result } = await run(["mmdebstrap"]);
  expect(result).toEqual({
    answered: true,
    agent: "athena",
    elapsed_s: expect.any(Number),
    total_s: expect.any(Number),
    mention_to_ack_ms: 58,
    mention_to_answer_ms: 1_900,
    changed: 43,
    urls: { chat: "http://127.0.0.1:8065", dashboard: "http://127.0.0.1:18789" },
    chat_page: true,
  });
  expect(result.elapsed_s).toBeGreaterThanOrEqual(0);
  expect(JSON.parse(JSON.stringify(result))).toEqual(result);
});

it("knows a chat server that was built without its web page from one that has it", async () => {
  answering.mockImplementation(async () => new Response("no such page", { status: 404 }));
  const { result } = await run([]);
  expect(result.chat_page).toBe(false);
  expect(addressLines(result, "mara").filter((line) => line.includes("8065"))).toEqual([
    "  chat      http://127.0.0.1:8065   no web page, since it was built here: use npx olympus chat (docs/reference/lab.md)",
  ]);
  expect(addressLines(result, "mara").join("\n")).toContain("npx olympus open athena --person mara\n");
  expect(addressLines({ ...result, chat_page: true }, "mara")[0]).toContain("ssh -L 8065:127.0.0.1:8065");
});

it("begins the commands that come next with sudo where it was started so: its lab is root's", async () => {
  vi.stubEnv("SUDO_USER", "mara");
  const shown = addressLines((await run([])).result, "mara").join("\n");
  expect(shown).toContain("sign in:  sudo npx olympus open ");
});

it("says that nothing changed when nothing did", async () => {
  expect((await run([])).result.changed).toBe(0);
});

it("runs the lab of the team file that was asked for", async () => {
  const { labUp } = await import("../lab/index.ts");
  await run([]);
  expect(labUp).toHaveBeenLastCalledWith(expect.objectContaining({ teamFile: "mine.yaml" }));
});

it("says of an address that it prints and that does not answer, that it does not", async () => {
  answering.mockImplementation(async (url) => {
    if (!String(url).includes("18789")) return new Response("here");
    throw new TypeError("fetch failed", { cause: Object.assign(new Error("refused"), { code: "ECONNREFUSED" }) });
  });
  const reporter = silentReporter();
  await run([], reporter);
  expect(reporter.lines.filter((line) => line.startsWith("warning"))).toEqual([
    "warning: http://127.0.0.1:18789 does not answer (nothing listens on 127.0.0.1:18789): npx olympus lab status",
  ]);
});

it("ends with what a mention became, where the team can show it; the first answer stays the time that counts", async () => {
  const merged = {
    issue: `${forge}/olympus/greet/issues/1`,
    pull: `${forge}/olympus/greet/pull/2`,
    approved_by: "mara",
  };
  shown.flow = { ...merged, elapsed_s: 1_000 };
  const { result } = await run([]);
  expect(result).toMatchObject({ changed: 1, flow: shown.flow });
  expect(result.elapsed_s).toBeLessThan(1_000);
  expect(workLines(result)).toEqual([`  work      ${merged.issue} -> ${merged.pull}, merged after mara's approval`]);
  shown.flow = { ...merged, elapsed_s: 0 };
  expect((await run([])).result.changed).toBe(0);
});

it("lets nobody wait for colleagues until the first one answered; a lab that stands is looked over once", async () => {
  const colleagues = await loadTeam(join(projectRoot, "examples/quickstart/team.yaml"));
  const { labUp } = await import("../lab/index.ts");
  const deployedHosts = async (standing: boolean) => {
    vi.mocked(labUp).mockResolvedValueOnce({ team: colleagues, changes: [] });
    shown.flow = { issue: "", pull: "", elapsed_s: 0 };
    deploy.mockClear();
    await run([], silentReporter(), standing);
    return deploy.mock.calls.map(([{ hosts }]) => hosts);
  };
  expect(await deployedHosts(false)).toEqual([["athena", "agora"], ["apollo"]]);
  expect(await deployedHosts(true)).toEqual([["athena", "apollo", "agora"]]);
});

it("ends by saying where the state is seen, what to do next and how all of it is removed", () => {
  const lines = (packages: string[]) => partingLines(packages).join("\n");
  expect(lines([])).toMatch(
    /^ {2}state {5}.*npx olympus status\n {2}next {6}docs\/getting-started\.md.*\n {2}remove {4}.*npx olympus lab down --purge .*--cache/,
  );
  expect(existsSync(join(projectRoot, "docs/getting-started.md"))).toBe(true);
  expect(lines([])).not.toContain("Debian");
  expect(lines(["mmdebstrap"])).toContain("it names the Debian packages that stay");
});
