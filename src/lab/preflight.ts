import { existsSync } from "node:fs";
import { sameAsRoot } from "../base/as-root.ts";
import { exitCodes, OlympusError } from "../base/errors.ts";

/** Throws E-LAB-ROOT unless we are root. */
export function requireRoot(what: string): void {
  if (process.getuid?.() === 0) return;
  throw new OlympusError(`${what} needs root: it makes namespaces, mounts inside them, and one network interface`, {
    code: "E-LAB-ROOT",
    exit: exitCodes.usage,
    hint: sameAsRoot(),
  });
}

/** Programs that the lab starts -> the Debian packages that have them. */
const programs = {
  mmdebstrap: "mmdebstrap",
  slirp4netns: "slirp4netns",
  nft: "nftables",
  ip: "iproute2",
  "ssh-keygen": "openssh-client",
};

/** Throws E-LAB-TOOLS, naming the Debian packages, when a program is missing. */
export function requireTools(): void {
  const missing = Object.entries(programs)
    .filter(([program]) => !isInstalled(program))
    .map(([, name]) => name);
  if (missing.length === 0) return;
  throw new OlympusError(`the lab needs programs that are not installed: ${missing.join(", ")}`, {
    code: "E-LAB-TOOLS",
    exit: exitCodes.usage,
    hint: `apt-get install --no-install-recommends ${missing.join(" ")}`,
  });
}

/** Whether a program is in one of the system's folders. */
export function isInstalled(program: string): boolean {
  const folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
  return folders.some((folder) => existsSync(`${folder}/${program}`));
}
