import { existsSync } from "node:fs";
import { chmod, chown, copyFile, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./sh.ts";
import { folderIn, lookAt, placeIn } from "./upper.ts";

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
    const file = await placeIn(upper, path);
    await writeFile(file, content, { mode, flag: "wx" });
    await chmod(file, mode);
    await chown(file, owner, owner);
  };
  const putIfMissing = async (path: string, content: string): Promise<void> => {
    if ((await lookAt(join(upper, path))) === undefined) await put(path, content, 0o644);
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
    const made = await folderIn(upper, folder);
    await chmod(made, mode);
    await chown(made, owner, owner);
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
  // ssh-keygen made it 0600, and a copy keeps that.
  await copyFile(join(dir, "host-key"), await placeIn(upper, "etc/ssh/ssh_host_ed25519_key"));
  await copyFile(join(dir, "host-key.pub"), await placeIn(upper, "etc/ssh/ssh_host_ed25519_key.pub"));
  await putIfMissing(
    "etc/ssh/sshd_config.d/10-lab.conf",
    "HostKey /etc/ssh/ssh_host_ed25519_key\nPasswordAuthentication no\nPermitRootLogin no\nUseDNS no\n",
  );
  for (const [path, content] of Object.entries(who.files ?? {})) await putIfMissing(path, content);
  for (const [path, target] of Object.entries(who.links ?? {})) {
    if ((await lookAt(join(upper, path))) === undefined) await symlink(target, await placeIn(upper, path));
  }
}

/** Adds the user to shadow, group and passwd, each read from the upper folder or the topmost root that has it; the last one tells that it is done. */
async function addUser(upper: string, lowers: readonly string[], who: Identity): Promise<void> {
  const read = async (file: string): Promise<string[]> => {
    for (const folder of [upper, ...lowers]) {
      const path = join(folder, file);
      if ((await lookAt(path))?.isFile()) return (await readFile(path, "utf8")).trimEnd().split("\n");
    }
    return [];
  };
  const write = async (file: string, lines: readonly string[], mode: number, gid = 0): Promise<void> => {
    const path = await placeIn(upper, file);
    await writeFile(path, lines.map((line) => `${line}\n`).join(""), { mode, flag: "wx" });
    await chmod(path, mode);
    await chown(path, 0, gid);
  };
  const isUsers = (line: string): boolean => line.startsWith(`${who.user}:`);
  const passwd = await read("etc/passwd");
  if (passwd.some(isUsers)) return;
  const group = await read("etc/group");
  const gidOf = (name: string): string | undefined => group.find((line) => line.startsWith(`${name}:`))?.split(":")[2];
  const joined = group.map((line) => {
    const [name = "", , , members = ""] = line.split(":");
    if (!["sudo", ...who.groups].includes(name) || members.split(",").includes(who.user)) return line;
    return line + (members === "" ? "" : ",") + who.user;
  });
  // Debian has groups without a user of that name ("operator"): such a group becomes the user's own.
  const own = gidOf(who.user);
  const shadow = (await read("etc/shadow")).filter((line) => !isUsers(line));
  // `*` cannot be a password's hash: only keys open this account.
  await write("etc/shadow", [...shadow, `${who.user}:*:19700:0:99999:7:::`], 0o640, Number(gidOf("shadow") ?? 0));
  await write("etc/group", own === undefined ? [...joined, `${who.user}:x:${uid}:`] : joined, 0o644);
  await write("etc/passwd", [...passwd, `${who.user}:x:${uid}:${own ?? uid}::/home/${who.user}:/bin/bash`], 0o644);
}
