/**
 * A Linux kernel of one's own for a test: user-mode Linux, an ordinary process that boots in two seconds on this machine's files,
 * read-only. It has control groups version 2, which a machine with version 1 cannot show, and what a program breaks in it is gone
 * with it. Slower than the machine: ten milliseconds become a hundred.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { projectRoot } from "../../src/base/paths.ts";
import { quote, quoteAll } from "../../src/base/quote.ts";
import { type Door, kernelAddress, startBehindDoors } from "./kernel-doors.ts";

export interface KernelRun {
  /** Shell lines as root before the program. The control group of the program is `$GROUP`, its folder `$DATA`. */
  readonly before?: string;
  /** File of the project, with arguments; run by Node as nobody, in a control group that is delegated to it. Its output is in /mnt/output too. */
  readonly program: readonly [file: string, ...args: string[]];
  readonly environment?: Readonly<Record<string, string>>;
}

/** A line of /etc/hosts: the name that the probes know this machine's web server by. */
export const mirror = "10.99.0.1 mirror.example";

const user = 65534;

const setup = (project: string, folder: string) => `#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755,size=70% tmpfs /mnt
echo 1 > /proc/sys/kernel/dmesg_restrict
ip link set lo up
ip address add 10.99.0.1/32 dev lo
[ ! -e /sys/class/net/vec0 ] || { ip address add ${kernelAddress}/30 dev vec0; ip link set vec0 up; }
# By another way: the folder may lie under one that nobody may enter.
mkdir /mnt/project
mount --bind ${quote(project)} /mnt/project
echo "+cpu +memory +pids" > /sys/fs/cgroup/cgroup.subtree_control
export DATA=/mnt/data
bash ${quote(folder)}/steps 2>&1
echo o > /proc/sysrq-trigger
sleep 60
`;

/** Runs programs one after the other and gives what each printed as JSON lines that begin with `@@`. Throws with all output when one fails. */
export async function onOwnKernel(
  runs: readonly KernelRun[],
  memory = 1024,
  doors: readonly Door[] = [],
): Promise<unknown[][]> {
  const folder = await mkdtemp(join(tmpdir(), "olympus-kernel-"));
  try {
    const steps = runs.map(({ before = "", program: [file, ...args], environment = {} }, index) => {
      const variables = Object.entries({ HOME: "/mnt/data", DATA: "/mnt/data", ...environment }).map(
        ([name, value]) => `${name}=${value}`,
      );
      return `export GROUP=/sys/fs/cgroup/unit${index}
rm -rf $DATA; mkdir -m 700 $DATA; mkdir $GROUP
chown ${user}:${user} $DATA $GROUP $GROUP/cgroup.procs $GROUP/cgroup.subtree_control $GROUP/cgroup.threads
${before}
( echo 0 > $GROUP/cgroup.procs
  exec setpriv --reuid ${user} --regid ${user} --clear-groups --no-new-privs --bounding-set=-all env -i PATH=$PATH ${quoteAll(variables)} \\
    /mnt/project/node_modules/.bin/node ${quoteAll([`/mnt/project/${file}`, ...args])} ) 2>&1 | tee /mnt/output
echo "@@end \${PIPESTATUS[0]}"`;
    });
    await writeFile(join(folder, "steps"), steps.join("\n"));
    await writeFile(join(folder, "init"), setup(projectRoot, folder), { mode: 0o755 });
    const all = await boot(join(folder, "init"), memory, doors);
    const blocks = all.split(/^@@end (?=\d)/m);
    const failed = blocks.length !== runs.length + 1 || blocks.slice(1).some((block) => !/^0\b/.test(block));
    if (failed) throw new Error(`a program failed in user-mode Linux (package user-mode-linux):\n${all.slice(-6000)}`);
    return blocks.slice(0, -1).map(printedIn);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Boots with a file of this machine as first process, until it powers off. Gives all that came to the console. */
export async function boot(init: string, memory: number, doors: readonly Door[] = []): Promise<string> {
  const kernel = [
    "linux.uml",
    ...["rootfstype=hostfs", "rootflags=/", "ro", `mem=${memory}M`, "quiet"],
    // Its socket beside its files: one that is killed leaves nothing in a home.
    ...[`init=${init}`, `uml_dir=${dirname(init)}/`, "con=null", "con0=null,fd:1"],
  ];
  const env = { TMPDIR: "/dev/shm" };
  if (doors.length > 0) return consoleOf(startBehindDoors(kernel, doors, { ...process.env, ...env }));
  const [command, ...args] = kernel as [string, ...string[]];
  const { all = "" } = await execa(command, args, { all: true, reject: false, stdin: "ignore", timeout: 900_000, env });
  return all;
}

/** All that a kernel prints until its end. */
async function consoleOf(child: ChildProcess): Promise<string> {
  let all = "";
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding("utf8").on("data", (text: string) => {
      all += text;
    });
  const limit = setTimeout(() => child.disconnect(), 900_000);
  await once(child, "close");
  clearTimeout(limit);
  return all;
}

export function printedIn(console: string): unknown[] {
  return console
    .split(/\r?\n/)
    .filter((line) => line.startsWith("@@{"))
    .map((line) => JSON.parse(line.slice(2)) as unknown);
}
