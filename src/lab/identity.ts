import { existsSync } from "node:fs";
import { chmod, chown, copyFile, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "./sh.ts";

/** Who a machine is: what is written over the shared root before its first start, and refreshed before each. */
export interface Identity {
  readonly name: string;
  readonly address: string;
  readonly gateway: string;
  readonly domain: string;
  /** Login with sudo; made when the root does not know it. */
  readonly user: string;
  /** Groups of the user that must exist in the root: libvirt on a hypervisor. */
  readonly groups: readonly string[];
  /** Public key lines that may log in as that user. */
  readonly authorizedKeys: readonly string[];
  /** Files to put in place when they are missing: path in the machine -> content. */
  readonly files?: Readonly<Record<string, string>>;
  /** Links to make when they are missing: path in the machine -> target. */
  readonly links?: Readonly<Record<string, string>>;
}

const uid = 1500;

/** The machine's SSH host key, made once in its folder. Gives the public half, `ssh-ed25519 AAAA…`. */
export async function ensureHostKey(dir: string, name: string): Promise<string> {
  const key = join(dir, "host-key");
  if (!existsSync(`${key}.pub`)) {
    await mkdir(dir, { recursive: true });
    await run("sh", ["-c", 'rm -f "$1" && ssh-keygen -q -t ed25519 -N "" -C "$2" -f "$1"', "sh", key, name]);
  }
  return (await readFile(`${key}.pub`, "utf8")).split(" ").slice(0, 2).join(" ").trim();
}

/**
 * Writes the identity into the machine's upper folder; `lowers` are its roots, topmost first. What somebody changed
 * in the machine since is left alone, but for keys, names and resolver, which are the lab's.
 */
export async function writeIdentity(dir: string, lowers: readonly string[], who: Identity): Promise<void> {
  const upper = join(dir, "upper");
  const put = async (path: string, content: string, mode: number, owner = 0): Promise<void> => {
    const file = join(upper, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content, { mode });
    await chmod(file, mode);
    await chown(file, owner, owner);
  };
  const putIfMissing = async (path: string, content: string): Promise<void> => {
    if (!existsSync(join(upper, path))) await put(path, content, 0o644);
  };
  // A folder that overlays another keeps that one's mode only if it is made with it.
  for (const [folder, mode, owner] of [
    ["etc", 0o755, 0],
    ["etc/ssh", 0o755, 0],
    ["etc/sudoers.d", 0o750, 0],
    ["home", 0o755, 0],
    [`home/${who.user}`, 0o755, uid],
    [`home/${who.user}/.ssh`, 0o700, uid],
  ] as const) {
    await mkdir(join(upper, folder), { recursive: true });
    await chmod(join(upper, folder), mode);
    await chown(join(upper, folder), owner, owner);
  }
  await addUser(upper, lowers, who);
  await put("etc/hostname", `${who.name}\n`, 0o644);
  await put(
    "etc/hosts",
    `127.0.0.1 localhost\n::1 localhost ip6-localhost\n${who.address} ${who.name}.${who.domain} ${who.name}\n`,
    0o644,
  );
  await put("etc/resolv.conf", `nameserver ${who.gateway}\nsearch ${who.domain}\n`, 0o644);
  await put(`etc/sudoers.d/90-${who.user}`, `${who.user} ALL=(ALL:ALL) NOPASSWD: ALL\n`, 0o440);
  await put(
    `home/${who.user}/.ssh/authorized_keys`,
    who.authorizedKeys.map((line) => `${line.trim()}\n`).join(""),
    0o600,
    uid,
  );
  await copyFile(join(dir, "host-key"), join(upper, "etc/ssh/ssh_host_ed25519_key"));
  await chmod(join(upper, "etc/ssh/ssh_host_ed25519_key"), 0o600);
  await copyFile(join(dir, "host-key.pub"), join(upper, "etc/ssh/ssh_host_ed25519_key.pub"));
  await putIfMissing(
    "etc/ssh/sshd_config.d/10-lab.conf",
    "HostKey /etc/ssh/ssh_host_ed25519_key\nPasswordAuthentication no\nPermitRootLogin no\nUseDNS no\n",
  );
  for (const [path, content] of Object.entries(who.files ?? {})) await putIfMissing(path, content);
  for (const [path, target] of Object.entries(who.links ?? {})) {
    await mkdir(dirname(join(upper, path)), { recursive: true });
    if (!existsSync(join(upper, path))) {
      await symlink(target, join(upper, path)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error; // A link to what exists only inside the machine.
      });
    }
  }
}

/** Adds the user to passwd, group and shadow, each read from the upper folder or the topmost root that has it. */
async function addUser(upper: string, lowers: readonly string[], who: Identity): Promise<void> {
  const source = (file: string): string =>
    [upper, ...lowers].map((folder) => join(folder, file)).find((path) => existsSync(path)) ?? join(upper, file);
  const passwd = await readFile(source("etc/passwd"), "utf8");
  if (passwd.split("\n").some((line) => line.startsWith(`${who.user}:`))) return;
  const group = await readFile(source("etc/group"), "utf8");
  const shadow = await readFile(source("etc/shadow"), "utf8");
  // Debian has groups without a user of that name ("operator"): such a group becomes the user's own.
  const own = group
    .split("\n")
    .find((line) => line.startsWith(`${who.user}:`))
    ?.split(":")[2];
  const joined = group
    .split("\n")
    .map((line) => {
      const [name = "", , , members = ""] = line.split(":");
      return ["sudo", ...who.groups].includes(name) && line !== ""
        ? line + (members === "" ? "" : ",") + who.user
        : line;
    })
    .join("\n");
  await writeFile(
    join(upper, "etc/passwd"),
    `${passwd}${who.user}:x:${uid}:${own ?? uid}::/home/${who.user}:/bin/bash\n`,
  );
  await writeFile(join(upper, "etc/group"), own === undefined ? `${joined}${who.user}:x:${uid}:\n` : joined);
  // `*` cannot be a password's hash: only keys open this account.
  await writeFile(join(upper, "etc/shadow"), `${shadow}${who.user}:*:19700:0:99999:7:::\n`);
  await chmod(join(upper, "etc/shadow"), 0o640);
  const shadowGroup = Number(
    group
      .split("\n")
      .find((line) => line.startsWith("shadow:"))
      ?.split(":")[2] ?? 0,
  );
  await chown(join(upper, "etc/shadow"), 0, shadowGroup);
}
