import { readlinkSync } from "node:fs";

/** Where a command finds itself. The workspace is in the home: each folder that is shown costs every command a while. */
export const inside = {
  work: "/home/agent/workspace",
  attach: "/home/agent/attach",
  home: "/home/agent",
  output: "/output",
} as const;

export interface Layout {
  /** Folders of the run on this machine; the workspace is `workspace` in the home. */
  readonly home: string;
  readonly output: string;
  /** Becomes /etc; see etc.ts. */
  readonly etc: string;
  /** Read-only folders with further programs. */
  readonly toolchains: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** MiB that /tmp and /dev/shm may take each; they count as the command's memory. */
  readonly tmp: number;
}

/**
 * Arguments of bubblewrap, up to the command. New user, mount, pid, network, ipc, uts and control group namespaces; no capability and
 * no further user namespaces; the system's programs read-only; writable are workspace, home and /tmp alone.
 */
export function bubblewrap(layout: Layout): string[] {
  const memory = String(layout.tmp * 1024 * 1024);
  return [
    ["--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"],
    ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"],
    ["--die-with-parent", "--new-session", "--clearenv"],
    ["--ro-bind", "/usr", "/usr", ...systemLinks()],
    ["--ro-bind", layout.etc, "/etc"],
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
    ["--bind", layout.home, inside.home, "--ro-bind", layout.output, inside.output],
    Object.entries(layout.environment).flatMap(([name, value]) => ["--setenv", name, value]),
    // The root itself, with /etc: nothing may be put there.
    ["--remount-ro", "/", "--chdir", inside.work],
  ].flat();
}

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
