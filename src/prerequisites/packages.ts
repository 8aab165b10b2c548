import { appendFile, mkdir, readFile } from "node:fs/promises";
import { execa } from "execa";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { stateRoot } from "../base/paths.ts";
import type { Step } from "../base/report.ts";

/** Debian packages on the operator's machine, by what needs them. */
export const debianPackages = {
  /** Lab machines, their network, and the machine image. */
  lab: [
    "mmdebstrap",
    "qemu-utils",
    "slirp4netns",
    "iproute2",
    "nftables",
    "extlinux",
    "syslinux-common",
    "e2fsprogs",
    "fdisk",
    "openssh-client",
    "ca-certificates",
    "util-linux",
    "xz-utils",
  ],
  /** Building tools from Go modules, where official downloads cannot be reached. */
  tools: ["git", "unzip", "xz-utils"],
  /** Unit tests: somebody else's program that reads the seeds we write. */
  unit: ["genisoimage"],
  /** The other suites. */
  tests: [
    "age",
    "bubblewrap",
    "chromium",
    "curl",
    "libvirt-clients",
    "libvirt-daemon-system",
    "openssh-server",
    "postgresql",
    "procps",
    "qemu-system-x86",
    "user-mode-linux",
  ],
} as const;

/** Which of the packages are not installed. Reads dpkg's database, changes nothing. */
export async function missingPackages(names: readonly string[]): Promise<string[]> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholders are dpkg-query's.
  const { stdout } = await execa("dpkg-query", ["-W", "-f", "${Package} ${db:Status-Status}\\n", ...names], {
    // dpkg-query exits 1 when any name is unknown to it; the names it does know are still printed.
    reject: false,
  });
  const installed = new Set(
    stdout
      .split("\n")
      .filter((line) => line.endsWith(" installed"))
      .map((line) => line.split(" ")[0]),
  );
  return names.filter((name) => !installed.has(name));
}

/**
 * Installs Debian packages and notes their names in `.olympus/packages.txt`, so that leaving can name them.
 * Needs root. Throws E-PACKAGES with apt's last lines, and where its whole output is.
 */
export async function installPackages(names: readonly string[], step: Step, signal: AbortSignal): Promise<void> {
  if (names.length === 0) return;
  if (process.getuid?.() !== 0) {
    throw new OlympusError(`${names.length} Debian packages are missing, and installing them needs root`, {
      code: "E-ROOT",
      exit: exitCodes.usage,
      hint: `sudo apt-get install --no-install-recommends ${names.join(" ")}`,
    });
  }
  const apt = async (args: string[], detail: string): Promise<void> => {
    step.update(detail);
    const result = await execa("apt-get", ["-q", "-o", "DPkg::Lock::Timeout=600", ...args], {
      env: { DEBIAN_FRONTEND: "noninteractive", NEEDRESTART_MODE: "a" },
      all: true,
      reject: false,
      cancelSignal: signal,
    });
    if (result.exitCode === 0) return;
    signal.throwIfAborted();
    const last = (result.all ?? "").trim().split("\n").slice(-5).join("\n");
    throw new OlympusError(`apt-get ${args[0]} failed:\n${last}`, {
      code: "E-PACKAGES",
      hint: "Mend what apt names, then run the same command again: it goes on from here.",
    });
  };
  await apt(["update"], "reading package lists");
  await apt(["install", "-y", "--no-install-recommends", ...names], `installing ${names.length}`);
  await mkdir(stateRoot(), { recursive: true });
  await appendFile(packagesNote(), names.map((name) => `${name}\n`).join(""));
}

const packagesNote = (): string => stateRoot("packages.txt");

/** Names of the Debian packages that Olympus installed on this machine; empty when none. */
export async function installedByOlympus(): Promise<string[]> {
  try {
    return [...new Set((await readFile(packagesNote(), "utf8")).split("\n").filter(Boolean))];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
