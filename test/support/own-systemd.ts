/** A unit of ours run by the real systemd, on a kernel of its own with control groups version 2; see own-kernel.ts. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "../../src/base/paths.ts";
import { quote, quoteAll } from "../../src/base/quote.ts";
import { boot, mirror, printedIn } from "./own-kernel.ts";

export interface UnitRun {
  /** As the role writes it, but that the project's folder is at /mnt/project. */
  readonly unit: string;
  /** Program of the project and its arguments, in place of the unit's own. */
  readonly program: readonly [file: string, ...args: string[]];
  /** Files of /etc/olympus/secrets. */
  readonly secrets: Readonly<Record<string, string>>;
}

const name = "olympus-agent.service";

const init = (folder: string) => `#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755,size=60% tmpfs /mnt
mkdir -p /mnt/project /mnt/etc/systemd/system/${name}.d /mnt/etc/olympus /mnt/srv/olympus/agent /mnt/var/tmp /mnt/var/lib
mount --bind ${quote(projectRoot)} /mnt/project
cp -a /etc/alternatives /etc/ld.so.cache /etc/nsswitch.conf /etc/ssl /mnt/etc/
{ cat /etc/passwd; echo "olympus:x:970:970::/srv/olympus/agent:/usr/sbin/nologin"; } > /mnt/etc/passwd
{ cat /etc/group; echo "olympus:x:970:"; } > /mnt/etc/group
echo ${quote(mirror)} > /mnt/etc/hosts
cp -a ${quote(folder)}/secrets /mnt/etc/olympus/secrets
cp ${quote(folder)}/unit /mnt/etc/systemd/system/${name}
cp ${quote(folder)}/override /mnt/etc/systemd/system/${name}.d/test.conf
cp ${quote(folder)}/test.service ${quote(folder)}/test.target /mnt/etc/systemd/system/
chown -R 970:970 /mnt/srv/olympus/agent
chmod 700 /mnt/srv/olympus/agent /mnt/etc/olympus/secrets
chmod 1777 /mnt/var/tmp
for part in etc var srv; do mount --bind /mnt/$part /$part; done
mount -t tmpfs -o mode=1777 tmpfs /tmp
exec /lib/systemd/systemd --unit=test.target --show-status=no --log-target=console
`;

// It waits for the unit's end without beginning a process: one would be taken for what a command left.
const service = `[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
StandardOutput=file:/dev/console
StandardError=file:/dev/console
ExecStart=-/bin/bash -c 'sysctl -q kernel.dmesg_restrict=1; ip link set lo up; ip address add 10.99.0.1/32 dev lo; mkfifo /run/over; systemctl start ${name} && read -r < /run/over; cat /run/printed; echo; echo "@@result $(systemctl show -P Result ${name})"; echo o > /proc/sysrq-trigger'
`;

/** Starts the unit and waits for its end. Gives the JSON lines that its program printed; throws when it did not end well. */
export async function underSystemd({ unit, program, secrets }: UnitRun): Promise<unknown[]> {
  const folder = await mkdtemp(join(tmpdir(), "olympus-systemd-"));
  try {
    await mkdir(join(folder, "secrets"));
    for (const [file, content] of Object.entries(secrets))
      await writeFile(join(folder, "secrets", file), content, { mode: 0o600 });
    // What a whole system brings, this one does not have.
    await writeFile(join(folder, "unit"), unit.replace(/^(Wants|After|RequiresMountsFor)=.*\n/gm, ""));
    const [file, ...args] = program;
    const command = quoteAll(["/mnt/project/node_modules/.bin/node", `/mnt/project/${file}`, ...args]);
    await writeFile(
      join(folder, "override"),
      `[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=\nExecStart=${command}\nExecStopPost=+/bin/sh -c "echo > /run/over"\nEnvironment=DATA=/srv/olympus/agent\nRestart=no\nStandardOutput=file:/run/printed\nStandardError=file:/run/printed\n`,
    );
    await writeFile(join(folder, "test.target"), "[Unit]\nDefaultDependencies=no\nWants=test.service\n");
    await writeFile(join(folder, "test.service"), service);
    await writeFile(join(folder, "init"), init(folder), { mode: 0o755 });
    const console = await boot(join(folder, "init"), 1024);
    if (!/^@@result success\r?$/m.test(console))
      throw new Error(`the unit failed under systemd:\n${console.slice(-6000)}`);
    return printedIn(console);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
