import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startService, stopService, untilReady } from "./processes.ts";

export interface Libvirtd extends AsyncDisposable {
  /** For the provider: qemu+unix:///system?socket=… */
  readonly uri: string;
  /** A folder for pools. */
  readonly pools: string;
}

/**
 * A real libvirtd of its own, in a mount namespace of its own, with nothing of the computer's libvirt in it. Needs root. `machines`: it has
 * a process namespace of its own, too, with which its machines end, however that ends.
 */
export async function startLibvirtd({ machines = false } = {}): Promise<Libvirtd> {
  const folder = mkdtempSync(join(tmpdir(), "olympus-libvirtd-"));
  const hidden = {
    run: "/run/libvirt",
    lib: "/var/lib/libvirt",
    etc: "/etc/libvirt",
    log: "/var/log/libvirt",
    cache: "/var/cache/libvirt",
  };
  for (const name of [...Object.keys(hidden), "pools"]) mkdirSync(join(folder, name));
  const lines = ['unix_sock_group = "root"', 'auth_unix_rw = "none"'];
  writeFileSync(join(folder, "libvirtd.conf"), `${lines.join("\n")}\n`);
  const qemu = [
    'user = "root"',
    'group = "root"',
    'security_driver = "none"',
    "namespaces = []",
    "cgroup_controllers = []",
    'stdio_handler = "file"',
  ];
  writeFileSync(join(folder, "etc/qemu.conf"), `${qemu.join("\n")}\n`);
  const binds = Object.entries(hidden).map(
    ([name, path]) => `mkdir -p ${path}; mount --bind ${folder}/${name} ${path}`,
  );
  const daemon = `libvirtd --config ${folder}/libvirtd.conf --pid-file ${folder}/pid`;
  // The first process of a namespace has to take leave of those that lost their parents, as QEMU's do: libvirtd does not, and waits.
  const run = machines ? `${daemon} & wait` : `exec ${daemon}`;
  const script = `set -e; mount --make-rprivate /; ${binds.join("; ")}; ${run}`;
  const alone = machines ? ["--pid", "--fork", "--kill-child", "--mount-proc"] : [];
  const child = startService("unshare", ["--mount", "--net", ...alone, "sh", "-c", script], {
    cwd: folder,
    log: join(folder, "libvirtd.log"),
  });
  const socket = join(folder, "run/libvirt-sock");
  await untilReady(child, () => answers(socket), 180_000);
  return {
    uri: `qemu+unix:///system?socket=${socket}`,
    pools: join(folder, "pools"),
    async [Symbol.asyncDispose]() {
      // With machines nobody passes SIGTERM on, and all of them end with it.
      await stopService(child, machines ? "SIGKILL" : "SIGTERM");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    const end = (open: boolean): void => {
      connection.destroy();
      resolve(open);
    };
    connection.once("connect", () => end(true)).once("error", () => end(false));
  });
}
