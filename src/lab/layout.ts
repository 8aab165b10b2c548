import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { labDir, labTeamFile, projectRoot } from "../base/paths.ts";

/** Where the lab keeps its things. Everything is under `dir`, but for the pointer beside it and the caches. */
export const layout = {
  /** `.olympus/lab` */
  get dir(): string {
    return labDir();
  },
  /** The lab's name on this computer: two projects have two labs. */
  get lab(): string {
    return `lab-${createHash("sha256").update(this.dir).digest("hex").slice(0, 8)}`;
  },
  get state(): string {
    return join(this.dir, "lab.json");
  },
  get lock(): string {
    return join(this.dir, "lab.lock");
  },
  /** Held while quickstart works, which goes on long after its lab is up. */
  get quickstart(): string {
    return join(dirname(this.dir), "quickstart.lock");
  },
  /** The team file that every command uses while the lab is up. */
  get team(): string {
    return labTeamFile();
  },
  /** What the working copy was made from, to see edits of either. */
  get origin(): string {
    return join(this.dir, "origin.json");
  },
  get secrets(): string {
    return join(this.dir, "secrets.enc.yaml");
  },
  machine(name: string): string {
    return join(this.dir, "machines", name);
  },
  get pointer(): string {
    return join(dirname(this.dir), "current-team");
  },
  example: join(projectRoot, "examples", "lab", "team.yaml"),
  /** What quickstart begins with, where there is no lab yet. */
  quickstartExample: join(projectRoot, "examples", "quickstart", "team.yaml"),
};

/** This computer's address in the lab's network: the last usable one of a /24, `10.220.1.254`. */
export function hostAddressOf(gateway: string): string {
  return gateway.replace(/\d+$/, "254");
}
