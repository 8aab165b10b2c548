import { readFileSync, statfsSync } from "node:fs";
import { cpus } from "node:os";

/** What this computer has. Sizes in GB (10^9 bytes). */
export interface MachineFacts {
  readonly system: string;
  readonly isDebian12: boolean;
  readonly cores: number;
  readonly freeMemory: number;
  readonly freeDisk: number;
  readonly isRoot: boolean;
  /** `x64` */
  readonly processor: string;
}

/** Reads facts about this computer without changing anything. `folder` names the file system whose space matters. */
export function machineFacts(folder: string): MachineFacts {
  const release = Object.fromEntries(
    readText("/etc/os-release")
      .split("\n")
      .map((line) => line.split("=", 2))
      .filter((pair): pair is [string, string] => pair.length === 2)
      .map(([key, value]) => [key, value.replaceAll('"', "")]),
  );
  const space = statfsSync(folder);
  return {
    system: release.PRETTY_NAME ?? process.platform,
    isDebian12: release.ID === "debian" && release.VERSION_ID === "12",
    cores: cpus().length,
    freeMemory: availableMemory() / 1e9,
    freeDisk: (space.bavail * space.bsize) / 1e9,
    isRoot: process.getuid?.() === 0,
    processor: process.arch,
  };
}

/** MemAvailable, which counts reclaimable cache, unlike os.freemem. Bytes. */
function availableMemory(): number {
  const found = /^MemAvailable:\s+(\d+) kB$/m.exec(readText("/proc/meminfo"));
  return found === null ? 0 : Number(found[1]) * 1024;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
