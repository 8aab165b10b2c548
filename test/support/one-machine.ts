import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { cacheDir, projectRoot } from "../../src/base/paths.ts";
import { silentReporter } from "../../src/base/report.ts";
import { ensureImage } from "../../src/images/index.ts";
import { freeNetwork } from "./free-network.ts";
import { labEnvironment, labFolder } from "./lab-folder.ts";
import { olympus, olympusOk } from "./olympus.ts";

/** A lab of its own with one hypervisor, r420, and one agent, athena, beside others that may be up, and in a network of its own. */
export interface OneMachineLab {
  readonly teamFile: string;
  readonly state: string;
  /** Of the hypervisor, of the machine, and of what they reach the rest of the world by. */
  readonly address: string;
  readonly guest: string;
  readonly gateway: string;
  /** Changes the lab's working copy of the team file as a person would, and gives back how to undo it. */
  edit(path: (string | number)[], value: unknown): () => void;
  /** Runs a shell line on the hypervisor as root, past SSH. */
  onHypervisor(command: string): Promise<string>;
  inGuest(command: string): Promise<string>;
  /** Names of all volumes of a pool. */
  volumes(pool?: string): Promise<string[]>;
  /** Processes of this lab's stacks, told by their environment: others' may run beside them. */
  processes(pattern: RegExp): number[];
  close(): Promise<void>;
}

/** Opens it, with roots, tools and images shared through links. Sets OLYMPUS_STATE, OLYMPUS_CACHE and XDG_CONFIG_HOME. */
export async function openOneMachineLab(): Promise<OneMachineLab> {
  const top = await labFolder("machines");
  const state = join(top, "state");
  const { OLYMPUS_CACHE, ...places } = labEnvironment(top);
  Object.assign(process.env, places);
  const teamFile = join(state, "lab", "team.yaml");

  await ensureImage("debian-12", { reporter: silentReporter() });
  mkdirSync(join(top, "cache"));
  for (const shared of ["lab-root", "tools", "images", "compile"]) {
    mkdirSync(cacheDir(shared), { recursive: true });
    symlinkSync(cacheDir(shared), join(top, "cache", shared));
  }
  process.env.OLYMPUS_CACHE = OLYMPUS_CACHE;
  const network = freeNetwork(223);
  const text = readFileSync(join(projectRoot, "examples/lab/team.yaml"), "utf8").replaceAll("10.220.1.", `${network}.`);
  const document = parseDocument(text);
  for (const path of [["hypervisors", "r720xd"], ["services"], ["lab", "publish"], ["connectivity"]])
    document.deleteIn(path);
  // No machine of this team carries the rehearsal model; nothing here asks a model.
  document.setIn(["defaults", "models"], [{ provider: "anthropic", model: "none", price: { input: 1, output: 1 } }]);
  const file = join(top, "team.yaml");
  writeFileSync(file, document.toString());
  const close = async (): Promise<void> => {
    await olympus(["lab", "down", "--purge", "--yes"]);
    rmSync(top, { recursive: true, force: true });
  };
  try {
    await olympusOk(["lab", "up", "--team", file]);
  } catch (error) {
    await close();
    throw error;
  }

  const onHypervisor = async (command: string): Promise<string> =>
    (await olympusOk(["lab", "exec", "r420", "--", "sh", "-c", command])).stdout.trim();

  return {
    teamFile,
    state,
    address: `${network}.7`,
    guest: `${network}.50`,
    gateway: `${network}.1`,
    onHypervisor,
    edit(path, value) {
      const before = readFileSync(teamFile, "utf8");
      const edited = parseDocument(before);
      edited.setIn(path, value);
      writeFileSync(teamFile, edited.toString());
      return () => writeFileSync(teamFile, before);
    },
    inGuest: async (command) => (await olympusOk(["ssh", "athena", "--", command])).stdout.trim(),
    volumes: async (pool = "default") =>
      (await onHypervisor(`virsh -q vol-list ${pool}`))
        .split("\n")
        .map((line) => line.trim().split(/\s+/)[0]!)
        .filter(Boolean),
    processes: (pattern) =>
      readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name))
        .filter((pid) => {
          try {
            const mine = readFileSync(`/proc/${pid}/environ`, "utf8").includes(`OLYMPUS_TEAM=${teamFile}`);
            return mine && pattern.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
          } catch (error) {
            // Ended between the two looks.
            if (["ENOENT", "ESRCH", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
            throw error;
          }
        })
        .map(Number),
    close,
  };
}
