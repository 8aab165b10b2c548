import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { silentReporter } from "../base/report.ts";
import { labDown } from "../lab/index.ts";
import { identify } from "../lab/processes.ts";
import { whatStays } from "./lab-stays.ts";

// What really runs on this computer is of no matter here.
const labs = vi.hoisted(() => ({ running: [] as string[] }));
vi.mock("../lab/cgroups.ts", async (original) => ({
  ...(await original<typeof import("../lab/cgroups.ts")>()),
  labsWithGroups: async () => [...labs.running, "lab-long-gone"],
  groupPids: async (_hierarchies: unknown, lab: string) => (labs.running.includes(lab) ? [4711] : []),
}));

let top: string;
beforeEach(() => {
  labs.running = [];
  top = mkdtempSync(join(tmpdir(), "olympus-stays-"));
  vi.stubEnv("OLYMPUS_STATE", join(top, "state"));
  vi.stubEnv("OLYMPUS_CACHE", join(top, "cache"));
  vi.stubEnv("GOMODCACHE", join(top, "gomod"));
  vi.stubEnv("XDG_CONFIG_HOME", join(top, "config"));
  vi.stubEnv("SOPS_AGE_KEY_FILE", undefined);
  for (const folder of [
    "state/lab",
    "cache/tools",
    "cache/images",
    "cache/apt",
    "gomod/github.com/pulumi",
    "config/olympus",
  ])
    mkdirSync(join(top, folder), { recursive: true });
  writeFileSync(join(top, "config/olympus/age.txt"), "");
  writeFileSync(join(top, "state/packages.txt"), "mmdebstrap\nslirp4netns\n");
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(top, { recursive: true });
});

const commands = async (purge: boolean, cache: boolean): Promise<(string | undefined)[]> =>
  (await whatStays({ purge, cache })).map(({ remove }) => remove);

it("after a plain down the disks stay, and it is said what removes them", async () => {
  expect(await commands(false, false)).toEqual(["npx olympus lab down --purge"]);
  rmSync(join(top, "state/lab"), { recursive: true });
  expect(await commands(false, false)).toEqual([]);
});

it("after a purge everything else that is left is named with one command each", async () => {
  const rest = [
    "go clean -modcache -cache",
    `rm ${join(top, "config/olympus/age.txt")}`,
    "apt-get remove mmdebstrap slirp4netns",
  ];
  expect(await commands(true, false)).toEqual(["npx olympus lab down --purge --cache", ...rest, expect.any(String)]);
  expect(await commands(true, true)).toEqual([...rest, expect.any(String)]);
});

it("no command removes a key of one's own, nor the folder it lies in", async () => {
  vi.stubEnv("SOPS_AGE_KEY_FILE", join(top, "config/olympus/age.txt"));
  expect((await commands(true, true)).join("\n")).not.toContain(join(top, "config"));
});

it("as long as other teams have state here, they are named, and no command removes it", async () => {
  for (const folder of ["pantheon/pulumi", "lab/pulumi", "test-reports"])
    mkdirSync(join(top, "state", folder), { recursive: true });
  const stays = await whatStays({ purge: true, cache: true });
  const [team, project] = stays.slice(-2);
  expect(stays.filter(({ what }) => what.includes("state of team"))).toHaveLength(1);
  expect(team).toEqual({
    what: expect.stringContaining("state of team pantheon"),
    remove: "npx olympus destroy --all --team <its team file>",
  });
  expect(project).toEqual({ what: expect.stringContaining("this folder") });
});

it("the dry run tells the truth about the cache", async () => {
  const listed = async (cache: boolean): Promise<readonly string[]> => {
    const found = await labDown({ purge: true, cache, dryRun: true, reporter: silentReporter() });
    return found.filter((line) => line.startsWith("cache")).map((line) => line.slice(`cache ${top}/cache/`.length));
  };
  expect(await listed(false)).toEqual(["apt"]);
  expect(await listed(true)).toEqual(["apt", "images", "tools"]);
});

it("--cache removes what Olympus made in the cache, and nothing else", async () => {
  // No lab runs there, so nothing of this needs root.
  vi.spyOn(process, "getuid").mockReturnValue(0);
  writeFileSync(join(top, "cache/mine.txt"), "");
  await labDown({ purge: true, cache: true, reporter: silentReporter() });
  expect(["tools", "images", "apt", "mine.txt"].filter((name) => existsSync(join(top, "cache", name)))).toEqual([
    "mine.txt",
  ]);
  rmSync(join(top, "cache/mine.txt"));
  // What the command itself leaves there as it starts is no find, and goes all the same.
  mkdirSync(join(top, "cache/compile"));
  expect(await labDown({ purge: true, cache: true, reporter: silentReporter() })).toEqual([]);
  expect(existsSync(join(top, "cache"))).toBe(false);
});

it("while another lab runs here, the ground under it stays, and it is said why", async () => {
  vi.spyOn(process, "getuid").mockReturnValue(0);
  labs.running = ["lab-0badcafe"];
  mkdirSync(join(top, "cache/lab-root"));
  const removed = await labDown({ purge: true, cache: true, reporter: silentReporter() });
  expect(removed).toEqual([expect.stringContaining("state/lab")]);
  expect(["tools", "images", "apt", "lab-root"].filter((name) => !existsSync(join(top, "cache", name)))).toEqual([]);
  const [first] = await whatStays({ purge: true, cache: true });
  expect(first!.what).toBe(`${top}/cache: kept, since other labs that run here stand on it (lab-0badcafe)`);
});

it("roots that another command is building are not taken away", async () => {
  vi.spyOn(process, "getuid").mockReturnValue(0);
  mkdirSync(join(top, "cache/lab-root"));
  writeFileSync(join(top, "cache/lab-root/lock"), JSON.stringify(identify(process.ppid)));
  await expect(labDown({ purge: true, reporter: silentReporter() })).rejects.toMatchObject({ code: "E-LOCKED" });
  expect(existsSync(join(top, "cache/lab-root"))).toBe(true);
});
