import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { exitCodes, OlympusError } from "../base/errors.ts";

/** Where Debian packages come from, as this computer itself gets them. */
export interface AptSources {
  /** One-line entries for the release: `deb [signed-by=…] https://… bookworm main`. */
  readonly lines: readonly string[];
  /** Settings of this computer's apt that decide whether a download works: proxies, dates. `Acquire::…=value`. */
  readonly options: readonly string[];
  /** Certificates that this computer trusts beside Debian's own, as paths. */
  readonly certificates: readonly string[];
}

interface Entry {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly signedBy: string | undefined;
}

/**
 * Reads /etc/apt for the Debian archive. Entries of other publishers are told apart by suite and component.
 * On a computer with another Debian release its mirror is used for `release`. Throws E-LAB-SOURCES when there is none.
 */
export async function readAptSources(release: string, etc = "/etc"): Promise<AptSources> {
  const lines = archiveLines(readEntries(join(etc, "apt")), release, codename(etc));
  if (lines.length === 0) {
    throw new OlympusError("no Debian archive is configured on this computer", {
      code: "E-LAB-SOURCES",
      exit: exitCodes.usage,
      where: join(etc, "apt"),
      hint: "Set network.packages.debian in the team file to the APT lines to use.",
    });
  }
  const { stdout: dump } = await execa("apt-config", ["dump", "--format", "%f=%v%n", "Acquire"]);
  const options = dump.split("\n").filter((line) => /^Acquire::(Check-|(http|https)::(Proxy|proxy))[^=]*=./.test(line));
  const folder = join(etc, "..", "usr/local/share/ca-certificates");
  const certificates = existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".crt"))
        .sort()
        .map((name) => join(folder, name))
    : [];
  return { lines, options, certificates };
}

function codename(etc: string): string | undefined {
  const file = join(etc, "os-release");
  return existsSync(file) ? /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync(file, "utf8"))?.[1] : undefined;
}

function readEntries(apt: string): Entry[] {
  const parts = join(apt, "sources.list.d");
  const names = existsSync(parts)
    ? readdirSync(parts)
        .sort()
        .map((name) => join(parts, name))
    : [];
  return [join(apt, "sources.list"), ...names].flatMap((file) => {
    if (!existsSync(file)) return [];
    const text = readFileSync(file, "utf8");
    if (file.endsWith(".sources")) return parseDeb822(text);
    return file.endsWith(".list") ? parseOneLine(text) : [];
  });
}

/** Entries of a `.sources` file; disabled ones and those without binary packages are left out. */
export function parseDeb822(text: string): Entry[] {
  const stanzas = text
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .join("\n")
    .split(/\n\s*\n/);
  return stanzas.flatMap((stanza) => {
    const fields = new Map<string, string>();
    let last = "";
    for (const line of stanza.split("\n")) {
      const field = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
      if (field) {
        last = field[1]!.toLowerCase();
        fields.set(last, field[2]!);
      } else if (/^\s/.test(line)) fields.set(last, `${fields.get(last) ?? ""} ${line.trim()}`);
    }
    const words = (name: string): string[] => (fields.get(name) ?? "").split(/\s+/).filter(Boolean);
    if (!words("types").includes("deb") || /^(no|false|off|0)$/i.test(fields.get("enabled") ?? "yes")) return [];
    // A key can stand in the file itself; such an entry is trusted by the keyring of its publisher instead.
    const key = fields.get("signed-by")?.trim();
    return [
      {
        uris: words("uris"),
        suites: words("suites"),
        components: words("components"),
        signedBy: key?.startsWith("/") ? key : undefined,
      },
    ];
  });
}

/** Entries of a `.list` file. */
export function parseOneLine(text: string): Entry[] {
  return text.split("\n").flatMap((line) => {
    const entry = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (!entry) return [];
    const signedBy = /signed-by=(\S+)/.exec(entry[1] ?? "")?.[1];
    return [
      { uris: [entry[2]!], suites: [entry[3]!], components: entry[4]!.trim().split(/\s+/).filter(Boolean), signedBy },
    ];
  });
}

/** One-line entries of the Debian archive among `entries`, for `release`. */
export function archiveLines(entries: readonly Entry[], release: string, own: string | undefined): string[] {
  const lines = new Set<string>();
  for (const { uris, suites, components, signedBy } of entries) {
    if (!components.includes("main")) continue;
    for (const suite of suites) {
      const rest = own !== undefined && suite.startsWith(own) ? suite.slice(own.length) : suite.slice(release.length);
      const known = suite === `${own}${rest}` || suite === `${release}${rest}`;
      if (!known || !["", "-updates", "-security"].includes(rest)) continue;
      for (const uri of uris) {
        if (!/^https?:/.test(uri)) continue;
        lines.add(
          `deb ${signedBy === undefined ? "" : `[signed-by=${signedBy}] `}${uri.replace(/\/$/, "")} ${release}${rest} main`,
        );
      }
    }
  }
  return [...lines];
}
