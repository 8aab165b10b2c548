import { readlinkSync } from "node:fs";

/** Where a command finds itself. */
export const inside = { work: "/workspace", home: "/home/agent", output: "/output" } as const;

export interface Layout {
  /** Folders of the run on this machine. */
  readonly work: string;
  readonly home: string;
  readonly output: string;
  /** passwd, group, hosts and so on, made for the sandbox: nothing of this machine's own /etc but what programs cannot do without. */
  readonly etc: string;
  /** Read-only folders with further programs. */
  readonly toolchains: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** MiB that /tmp and /dev/shm may take each; they count as the command's memory. */
  readonly tmp: number;
  /** The network is none at all (false), or the one that the process is in already. */
  readonly sharesNetwork: boolean;
}

/** Of /etc, read-only: libraries, links of programs, certificates. No configuration of a client, which may hold a token. */
const etcOfMachine = [
  "/etc/alternatives",
  "/etc/ld.so.cache",
  "/etc/ld.so.conf.d",
  "/etc/ssl/certs",
  "/etc/ca-certificates",
];

/**
 * Arguments of bubblewrap, up to the command. New user, mount, pid, network, ipc, uts and control group namespaces; no capability and
 * no further user namespaces; the system's programs read-only; writable are workspace, home and /tmp alone.
 */
export function bubblewrap(layout: Layout): string[] {
  const memory = String(layout.tmp * 1024 * 1024);
  return [
    ["--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"],
    ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"],
    layout.sharesNetwork ? [] : ["--unshare-net"],
    ["--die-with-parent", "--new-session", "--clearenv"],
    ["--ro-bind", "/usr", "/usr", ...systemLinks()],
    etcOfMachine.flatMap((path) => ["--ro-bind-try", path, path]),
    etcFiles.flatMap((name) => ["--ro-bind", `${layout.etc}/${name}`, `/etc/${name}`]),
    ["--proc", "/proc", "--dev", "/dev"],
    [
      "--perms",
      "1777",
      "--size",
      memory,
      "--tmpfs",
      "/tmp",
      "--perms",
      "1777",
      "--size",
      memory,
      "--tmpfs",
      "/dev/shm",
    ],
    layout.toolchains.flatMap((path) => ["--ro-bind-try", path, path]),
    ["--bind", layout.work, inside.work, "--bind", layout.home, inside.home, "--ro-bind", layout.output, inside.output],
    Object.entries(layout.environment).flatMap(([name, value]) => ["--setenv", name, value]),
    // The root itself, with /etc: nothing may be put there.
    ["--remount-ro", "/", "--chdir", inside.work],
  ].flat();
}

/** Files that `layout.etc` must hold, with their contents. */
export const etcContents = {
  passwd: "root:x:0:0:root:/root:/usr/sbin/nologin\nagent:x:1000:1000:agent:/home/agent:/bin/bash\n",
  group: "root:x:0:\nagent:x:1000:\n",
  hosts: "127.0.0.1 localhost\n",
  "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
  "resolv.conf": "",
} as const;

const etcFiles = Object.keys(etcContents);

/** /bin, /lib and so on as this machine has them: links into /usr, or folders of their own. */
function systemLinks(): string[] {
  return ["/bin", "/sbin", "/lib", "/lib64", "/lib32"].flatMap((path) => {
    try {
      return ["--symlink", readlinkSync(path), path];
    } catch {
      return ["--ro-bind-try", path, path];
    }
  });
}
