import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { projectRoot, runtimeName } from "../base/paths.ts";
import { silentReporter } from "../base/report.ts";
import { leaveCache, othersOnCache, standOnCache } from "../lab/cache-users.ts";
import { allCaches } from "../lab/down.ts";
import { labDown } from "../lab/index.ts";
import { identify } from "../lab/processes.ts";
import { whatStays } from "./lab-stays.ts";

// What really runs on this computer is of no matter here.
const labs = vi.hoisted(() => ({ running: [] as string[] }));
vi.mock("../lab/cgroups.ts", async (original) => ({
  ...(await original<typeof import("../lab/cgroups.ts")>()),
  groupPids: async (_hierarchies: unknown, lab: string) => (labs.running.includes(lab) ? [4711] : []),
}));

let top: string;
beforeEach(() => {
  labs.running = [];
  top = mkdtempSync(join(tmpdir(), "olympus-stays-"));
  vi.stubEnv("OLYMPUS_STATE", join(top, "state"));
  vi.stubEnv("OLYMPUS_CACHE", join(top, "cache"));
  vi.stubEnv("GOMODCACHE", join(top, "gomod"));
  vi.stubEnv("GOCACHE", join(top, "go-build"));
  vi.stubEnv("XDG_CONFIG_HOME", join(top, "config"));
  vi.stubEnv("XDG_RUNTIME_DIR", join(top, "run"));
  vi.stubEnv("npm_config_cache", join(top, "npm"));
  vi.stubEnv("SOPS_AGE_KEY_FILE", undefined);
  for (const folder of [
    "state/lab",
    "cache/tools",
    "cache/images",
    "cache/apt",
    "gomod/github.com/pulumi",
    "npm/_cacache",
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

const stays = (purge: boolean, cache: boolean, keptFor: readonly string[] = []) => whatStays({ purge, cache, keptFor });
const commands = async (purge: boolean, cache: boolean): Promise<(string | undefined)[]> =>
  (await stays(purge, cache)).map(({ remove }) => remove);
const down = async (cache: boolean, dryRun = false) =>
  labDown({ purge: true, cache, dryRun, reporter: silentReporter() });
/** Labs that run on this computer and stand on our cache, or on one of their own. */
function run(here: readonly string[], elsewhere: readonly string[] = []): void {
  labs.running = [...here, ...elsewhere];
  mkdirSync(join(top, "cache/labs"), { recursive: true });
  for (const lab of [...here, "lab-long-gone"]) writeFileSync(join(top, "cache/labs", lab), "");
}

it("after a plain down the disks stay, and it is said what removes them", async () => {
  expect(await commands(false, false)).toEqual(["npx olympus lab down --purge"]);
  rmSync(join(top, "state/lab"), { recursive: true });
  expect(await commands(false, false)).toEqual([]);
});

it("after a purge everything else that is left is named with one command each", async () => {
  const rest = [
    `go clean -modcache -cache && rm -rf ${join(top, "config/go/telemetry")}`,
    "npm cache clean --force",
    `rm ${join(top, "config/olympus/age.txt")}`,
    "apt-get remove mmdebstrap slirp4netns",
  ];
  expect(await commands(true, false)).toEqual(["npx olympus lab down --purge --cache", ...rest, expect.any(String)]);
  expect(await commands(true, true)).toEqual([...rest, expect.any(String)]);
});

it("no command removes a key of one's own, nor the folder it lies in", async () => {
  vi.stubEnv("SOPS_AGE_KEY_FILE", join(top, "config/olympus/age.txt"));
  expect((await commands(true, true)).join("\n")).not.toContain(join(top, "config/olympus"));
});

it("as long as other teams have state here, they are named, and no command removes it", async () => {
  for (const folder of ["pantheon/pulumi", "lab/pulumi", "test-reports"])
    mkdirSync(join(top, "state", folder), { recursive: true });
  const left = await stays(true, true);
  const [team, project] = left.slice(-2);
  expect(left.filter(({ what }) => what.includes("state of team"))).toHaveLength(1);
  expect(team).toEqual({
    what: expect.stringContaining("state of team pantheon"),
    remove: "npx olympus destroy --all --team <its team file>",
  });
  expect(project).toEqual({ what: expect.stringContaining("this folder") });
});

it("the dry run tells the truth about the cache", async () => {
  const listed = async (cache: boolean): Promise<readonly string[]> => {
    const { removed } = await down(cache, true);
    return removed.filter((line) => line.startsWith("cache")).map((line) => line.slice(`cache ${top}/cache/`.length));
  };
  expect(await listed(false)).toEqual(["apt"]);
  for (const name of ["compile", "downloads", "npm"]) mkdirSync(join(top, "cache", name));
  expect(await listed(false)).toEqual(["apt"]);
  expect(await listed(true)).toEqual(["apt", "downloads", "images", "npm", "tools", "compile"]);
});

it("--cache knows every folder that is made in the cache", () => {
  const sources = globSync("{src,roles,stacks,secrets,test}/**/*.ts", { cwd: projectRoot });
  const made = sources.flatMap((file) =>
    [...readFileSync(join(projectRoot, file), "utf8").matchAll(/\bcacheDir\("([\w-]+)/g)].map(([, name]) => name!),
  );
  expect(made).toContain("downloads");
  expect([...new Set(made)].filter((name) => !allCaches.includes(name))).toEqual([]);
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
  expect((await down(true)).removed).toEqual([]);
  expect(existsSync(join(top, "cache"))).toBe(false);
});

it("while another lab stands on this cache it stays, and it is said why, also when that lab has ended meanwhile", async () => {
  vi.spyOn(process, "getuid").mockReturnValue(0);
  run(["lab-0badcafe"]);
  mkdirSync(join(top, "cache/lab-root"));
  const { removed, keptFor } = await down(true);
  expect(removed).toEqual([expect.stringContaining("state/lab")]);
  expect(["tools", "images", "apt", "lab-root"].filter((name) => !existsSync(join(top, "cache", name)))).toEqual([]);
  expect((await stays(true, true, keptFor))[0]).toEqual({
    what: `${top}/cache: kept, since other labs stand on it (lab-0badcafe)`,
    remove: "npx olympus lab down --purge --cache   (once they are down)",
  });
  run([]);
  expect((await stays(true, true, keptFor))[0]).toEqual({
    what: `${top}/cache: kept, since another lab stood on it`,
    remove: "npx olympus lab down --purge --cache",
  });
});

it("a lab on a cache of its own, and one that was killed long ago, keep nobody's", async () => {
  vi.spyOn(process, "getuid").mockReturnValue(0);
  run([], ["lab-0badcafe"]);
  expect((await down(true)).keptFor).toEqual([]);
  expect(existsSync(join(top, "cache"))).toBe(false);
});

it("a lab names itself in the cache that its machines stand on, as long as it runs", async () => {
  labs.running = ["lab-new"];
  await standOnCache("lab-new");
  expect(await othersOnCache()).toEqual(["lab-new"]);
  vi.stubEnv("OLYMPUS_CACHE", join(top, "another"));
  expect(await othersOnCache()).toEqual([]);
  vi.stubEnv("OLYMPUS_CACHE", join(top, "cache"));
  await leaveCache("lab-new");
  expect(existsSync(join(top, "cache/labs"))).toBe(false);
});

it("the private files of the lab's team go with it, and nobody else's", async () => {
  vi.spyOn(process, "getuid").mockReturnValue(0);
  const ours = runtimeName("lab", join(top, "state/lab/team.yaml"));
  for (const folder of [`stacks/${ours}`, "stacks/lab-another", "told"])
    mkdirSync(join(top, "run/olympus", folder), { recursive: true });
  mkdirSync(join(top, "run/olympus/passphrases"));
  writeFileSync(join(top, "run/olympus/passphrases", ours), "");
  expect((await down(false, true)).removed.filter((line) => line.includes(ours))).toHaveLength(2);
  await down(false);
  expect(readdirSync(join(top, "run/olympus"))).toEqual(["stacks"]);
  expect(readdirSync(join(top, "run/olympus/stacks"))).toEqual(["lab-another"]);
});

it("while quickstart works, a dry run says so and nothing is taken from under it", async () => {
  vi.spyOn(process, "getuid").mockReturnValue(0);
  const since = new Date(2026, 0, 31, 19, 3, 11).getTime();
  const holder = { ...identify(process.ppid), command: "olympus quickstart", since };
  writeFileSync(join(top, "state/quickstart.lock"), JSON.stringify(holder));
  expect((await down(true, true)).atWork).toEqual([holder]);
  await expect(down(true)).rejects.toMatchObject({
    code: "E-LOCKED",
    message: `olympus quickstart (process ${process.ppid}, since 19:03:11) is at work here`,
  });
  expect(existsSync(join(top, "state/lab"))).toBe(true);
});

it("roots that another command is building are not taken away", async () => {
  vi.spyOn(process, "getuid").mockReturnValue(0);
  mkdirSync(join(top, "cache/lab-root"));
  writeFileSync(join(top, "cache/lab-root/lock"), JSON.stringify(identify(process.ppid)));
  await expect(labDown({ purge: true, reporter: silentReporter() })).rejects.toMatchObject({ code: "E-LOCKED" });
  expect(existsSync(join(top, "cache/lab-root"))).toBe(true);
});
