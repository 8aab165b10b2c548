import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { identityFile } from "../../secrets/identity.ts";
import { cacheDir, projectRoot, stateRoot } from "../base/paths.ts";
import { quote } from "../base/quote.ts";
import { othersOnCache } from "../lab/cache-users.ts";
import { layout } from "../lab/layout.ts";
import { installedByOlympus } from "../prerequisites/packages.ts";

/** Something that `lab down` leaves, and the command that removes it, unless that would do harm now. */
export interface Stays {
  readonly what: string;
  readonly remove?: string;
}

/**
 * What is left on this computer by a `lab down` with these options, for a person who wants to be rid of everything. `keptFor` are the
 * labs for which it left the cache alone: they may have ended since.
 */
export async function whatStays({
  purge,
  cache,
  keptFor,
}: {
  purge: boolean;
  cache: boolean;
  keptFor: readonly string[];
}): Promise<Stays[]> {
  if (!purge) {
    return existsSync(layout.dir)
      ? [{ what: `${layout.dir}: disks and secrets; lab up goes on with them`, remove: "npx olympus lab down --purge" }]
      : [];
  }
  const stays: Stays[] = [];
  const cached = existsSync(cacheDir()) ? await readdir(cacheDir()) : [];
  const kept = cached.filter((name) => !["lab-root", "apt", "labs", "compile"].includes(name));
  if (keptFor.length > 0 && cached.length > 0) {
    const running = await othersOnCache();
    const still = keptFor.filter((lab) => running.includes(lab));
    const why = still.length > 0 ? `other labs stand on it (${still.join(", ")})` : "another lab stood on it";
    const again = `npx olympus lab down --purge${cache ? " --cache" : ""}`;
    stays.push({
      what: `${cacheDir()}: kept, since ${why}`,
      remove: still.length > 0 ? `${again}   (once they are down)` : again,
    });
  } else if (!cache && kept.length > 0) {
    const what = `${cacheDir()}: tools, images and bundles, with which the next try takes minutes`;
    stays.push({ what, remove: "npx olympus lab down --purge --cache" });
  }
  const modules = join(process.env.GOMODCACHE ?? join(process.env.GOPATH ?? join(homedir(), "go"), "pkg/mod"));
  if (existsSync(join(modules, "github.com/pulumi"))) {
    const config = join(process.env.XDG_CONFIG_HOME ?? join(homedir(), ".config"), "go");
    const builds = process.env.GOCACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "go-build");
    const what = `${modules}, ${builds}: Go's own caches, from building tools; ${config}: its own counters`;
    stays.push({ what, remove: `go clean -modcache -cache && rm -rf ${quote(join(config, "telemetry"))}` });
  }
  const npm = process.env.npm_config_cache ?? join(homedir(), ".npm");
  if (existsSync(join(npm, "_cacache"))) {
    stays.push({ what: `${npm}: npm's own cache, with what others installed too`, remove: "npm cache clean --force" });
  }
  // A file that SOPS_AGE_KEY_FILE names is not ours to speak of.
  if (!process.env.SOPS_AGE_KEY_FILE && existsSync(identityFile())) {
    const what = `${identityFile()}: the key to the secrets of every team of yours, not only the lab's`;
    stays.push({ what, remove: `rm ${quote(identityFile())}` });
  }
  const packages = await installedByOlympus();
  if (packages.length > 0) {
    const what = `${packages.length} Debian packages that quickstart installed`;
    stays.push({ what, remove: `apt-get remove ${packages.join(" ")}` });
  }
  const teams = await teamsWithState();
  for (const team of teams) {
    const what = `${stateRoot(team)}: state of team ${team}, without which its machines cannot be removed any more`;
    stays.push({ what, remove: "npx olympus destroy --all --team <its team file>" });
  }
  // No command for it while that would take teams' state along.
  const remove = teams.length > 0 ? {} : { remove: `rm -r ${quote(projectRoot)}` };
  stays.push({ what: `${projectRoot}: this folder, with node_modules, .olympus and your own files`, ...remove });
  return stays;
}

/** Teams of which `.olympus` holds state, other than what goes with the lab. */
async function teamsWithState(): Promise<string[]> {
  if (!existsSync(stateRoot())) return [];
  const names = await readdir(stateRoot());
  const kept = names.filter((name) => stateRoot(name) !== layout.dir);
  return kept.filter((name) => ["pulumi", "stacks"].some((folder) => existsSync(stateRoot(name, folder))));
}
