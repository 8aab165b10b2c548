import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { withFileLock } from "../base/lock.ts";
import { cacheDir } from "../base/paths.ts";
import { type Reporter, withStep } from "../base/report.ts";
import { proxyPort } from "./services.ts";
import { run } from "./sh.ts";
import { type AptSources, readAptSources } from "./sources.ts";

export const release = "bookworm";

/** What every lab machine has: about what a Debian cloud image brings to the first SSH connection. */
const basePackages = [
  ...[
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "sudo",
    "python3",
    "ca-certificates",
    "iproute2",
    "iputils-ping",
    "nftables",
  ],
  ...["curl", "rsync", "cron", "procps", "kmod", "less", "netcat-openbsd", "netbase", "tzdata", "debconf-utils"],
];
/** What a hypervisor has on top. */
const hypervisorPackages = ["libvirt-daemon-system", "libvirt-clients", "qemu-system-x86", "qemu-utils"];

const here = dirname(fileURLToPath(import.meta.url));

/** Root folders for a kind of machine, topmost first. Shared, never written to. */
export interface Roots {
  readonly plain: readonly string[];
  readonly hypervisor: readonly string[];
}

export interface RootOptions {
  readonly reporter: Reporter;
  readonly signal?: AbortSignal;
  /** APT lines to use in place of this computer's own. */
  readonly debian?: readonly string[];
  /** Without it only the plain root is made. */
  readonly hypervisor?: boolean;
}

/** The roots, from the cache or built with mmdebstrap (base: half a minute; hypervisor: as much again). A cut-off build leaves nothing that would be used. */
export async function ensureRoots(options: RootOptions): Promise<Roots> {
  const own = await readSources(options.debian);
  const recipe = [
    release,
    basePackages,
    own.lines,
    own.options,
    own.certificates.map((file) => readFileSync(file, "utf8")),
    3,
  ];
  const base = cacheDir("lab-root", `base-${hash(recipe)}`);
  const layer = readFileSync(join(here, "root-layer.sh"), "utf8");
  const hypervisor = cacheDir("lab-root", `hypervisor-${hash([recipe, hypervisorPackages, layer])}`);
  const roots = { plain: [base], hypervisor: [hypervisor, base] };
  const missing = [base, ...(options.hypervisor ? [hypervisor] : [])].filter((folder) => !existsSync(folder));
  if (missing.length === 0) return roots;
  // Another command may be building the same: waiting for it is quicker than building twice.
  await withFileLock(cacheDir("lab-root", "lock"), { waitMs: 900_000 }, async () => {
    await mkdir(cacheDir("lab-root", "debs", "partial"), { recursive: true });
    await clearUnfinished();
    if (!existsSync(base)) {
      await withStep(options.reporter, "lab root", async (step) => {
        await buildBase(base, own, options.signal, (line) => step.update(line.slice(0, 60)));
        return { value: undefined, summary: "Debian 12 for lab machines" };
      });
    }
    if (options.hypervisor && !existsSync(hypervisor)) {
      await withStep(options.reporter, "lab hypervisor root", async (step) => {
        await buildHypervisor(hypervisor, base, options.signal, (line) => step.update(line.slice(0, 60)));
        return { value: undefined, summary: "libvirt and QEMU over it" };
      });
    }
  });
  return roots;
}

/**
 * What guests get as package sources: the lines given, else this computer's, through the cache on `gateway`. HTTPS sources are
 * fetched by the cache, so that no guest needs this computer's certificates.
 */
export async function guestSources(given: readonly string[], gateway: string): Promise<GuestSources> {
  const { lines } = await readSources(given);
  const proxy = `http://${gateway}:${proxyPort}`;
  const debian = lines.map((line) => line.replace(/^deb \[[^\]]*\] /, "deb ").replace("https://", `${proxy}/https/`));
  const hosts = lines.flatMap((line) => /https?:\/\/([^/\s]+)/.exec(line)?.[1] ?? []);
  return { debian, proxy, hosts: [...new Set(hosts)] };
}

export interface GuestSources {
  /** Whole APT lines. */
  readonly debian: readonly string[];
  /** `http://10.220.1.1:3142` */
  readonly proxy: string;
  /** Hosts that the cache may ask. */
  readonly hosts: readonly string[];
}

async function readSources(lines: readonly string[] | undefined): Promise<AptSources> {
  if (lines === undefined || lines.length === 0) return readAptSources(release);
  return { lines, options: [], certificates: [] };
}

/**
 * Runs a builder that cannot outlive us: `setpriv` has the kernel end `unshare` with this process, `unshare` ends with it
 * the first process of its pid namespace, and that everything in there. Its mounts are its own too.
 */
async function build(
  argv: readonly string[],
  signal: AbortSignal | undefined,
  onLine: (line: string) => void,
): Promise<void> {
  const alone = ["--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  await run("setpriv", [...alone, ...argv], { onLine, ...(signal && { signal }) });
}

async function buildBase(
  target: string,
  own: AptSources,
  signal: AbortSignal | undefined,
  onLine: (line: string) => void,
): Promise<void> {
  const building = `${target}.building`;
  const debs = cacheDir("lab-root", "debs");
  const copies = own.certificates.map((file) => `copy-in "${file}" /usr/local/share/ca-certificates`);
  const hooks = [
    ...[...copies, 'chroot "$1" update-ca-certificates'].map((hook) => `--customize-hook=${hook}`),
    // The file must be there for machines to lay their own over it; an empty machine-id makes each machine its own.
    '--customize-hook=: > "$1/etc/resolv.conf"; : > "$1/etc/machine-id"; rm -f "$1"/etc/ssh/ssh_host_*; mkdir -p "$1/root"',
    // Timers that download or measure would only disturb.
    '--customize-hook=systemctl --root "$1" mask -q apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer',
  ];
  const dpkg = ["doc/*", "man/*", "locale/*"].map((path) => `--dpkgopt=path-exclude=/usr/share/${path}`);
  await build(
    [
      ...["mmdebstrap", "--mode=root", "--format=directory", "--variant=apt", `--include=${basePackages.join(",")}`],
      ...["--skip=download/empty,essential/unlink,cleanup/apt/cache", "--dpkgopt=force-unsafe-io", ...dpkg],
      ...['--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"'],
      ...own.options.map((option) => `--aptopt=${option.replace("=", ' "')}"`),
      `--setup-hook=mkdir -p "$1/var/cache/apt/archives/partial"`,
      `--setup-hook=sync-in "${debs}" /var/cache/apt/archives`,
      ...hooks,
      `--customize-hook=sync-out /var/cache/apt/archives "${debs}"`,
      '--customize-hook=rm -rf "$1"/var/cache/apt/archives/*.deb',
      ...[release, building, ...own.lines],
    ],
    signal,
    onLine,
  );
  await rename(building, target);
}

async function buildHypervisor(
  target: string,
  base: string,
  signal: AbortSignal | undefined,
  onLine: (line: string) => void,
): Promise<void> {
  const building = `${target}.building`;
  for (const folder of ["upper", "work", "root"]) await mkdir(join(building, folder), { recursive: true });
  const script = join(here, "root-layer.sh");
  await build(["sh", script, base, building, cacheDir("lab-root", "debs"), ...hypervisorPackages], signal, onLine);
  await rename(join(building, "upper"), target);
  await rm(building, { recursive: true, force: true });
}

/** Removes what a build that was cut off left behind; under the lock nobody else's. */
async function clearUnfinished(): Promise<void> {
  for (const name of readdirSync(cacheDir("lab-root"))) {
    if (name.endsWith(".building")) await rm(cacheDir("lab-root", name), { recursive: true, force: true });
  }
}

function hash(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 12);
}
