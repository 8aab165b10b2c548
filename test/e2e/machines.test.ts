import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSecrets } from "../../secrets/store.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { sshTargetOf } from "../../src/machines/find.ts";
import { probe } from "../../src/machines/readiness.ts";
import { loadTeam } from "../../src/team/load.ts";
import { eventually, olympus, olympusOk } from "../support/olympus.ts";
import { type OneMachineLab, openOneMachineLab } from "../support/one-machine.ts";

/**
 * The life of one VM on a real hypervisor over qemu+ssh: made, left alone, grown, restarted, destroyed, made again, and
 * what can go wrong on the way. The tests build on one another, in this order.
 */

let lab: OneMachineLab;
const inGuest = (command: string): Promise<string> => lab.inGuest(command);
const onHypervisor = (command: string): Promise<string> => lab.onHypervisor(command);
const providers = (): number[] => lab.processes(/terraform-provider/);
/** The kernel ends them with their parents, a moment after a run's own end on a busy computer. */
const noProvider = (): Promise<boolean> =>
  eventually("the provider's end", async () => providers().length === 0, 60_000, 50);
const bootId = (): Promise<string> => inGuest("cat /proc/sys/kernel/random/boot_id");
const dataSize = async (): Promise<number> =>
  Number(await inGuest("df --output=size -BM /srv/olympus | tail -1 | tr -dc 0-9"));
const readMarker = (): Promise<string> => inGuest("cat /srv/olympus/marker");
const rootDisks = async (): Promise<string[]> => (await lab.volumes()).filter((name) => name.includes("root"));

/** Runs a line in a person's own shell that has taken `olympus env`. */
async function plain(line: string): Promise<string> {
  const { stdout: shell } = await olympusOk(["env"]);
  return (await execa("bash", ["-c", `${shell}\n${line}`], { cwd: projectRoot, stdin: "ignore" })).stdout;
}

/** Starts `olympus up`, waits for the machine's domain, and sends a signal to the command. */
async function upUntilDomain(then: (pid: number) => void): Promise<{ exitCode?: number | undefined; stderr: string }> {
  const command = execa(join(projectRoot, "scripts/olympus"), ["up"], { stdin: "ignore", reject: false });
  await eventually(
    "the domain",
    async () => (await onHypervisor("virsh -q list --name")).includes("lab.athena"),
    600_000,
  );
  then(command.pid!);
  return command;
}

beforeAll(async () => {
  lab = await openOneMachineLab();
});
afterAll(() => lab?.close());

describe("a machine", () => {
  it("whose image nobody made here is not begun by a plain pulumi, which says what makes it", async () => {
    const words = "pulumi up -s r420 --yes --non-interactive";
    const { stdout } = await execa(
      "bash",
      ["-c", `${(await olympusOk(["env"])).stdout}\nOLYMPUS_CACHE=/nowhere ${words}`],
      {
        cwd: projectRoot,
        stdin: "ignore",
        reject: false,
      },
    );
    expect(stdout).toContain("E-IMAGE-MISSING");
    expect(stdout).toContain("npx olympus preview r420");
    expect(await lab.volumes()).toEqual([]);
  });

  it("waits for its hypervisor's bridge, and is not begun without", async () => {
    const rename = (from: string, to: string): Promise<string> =>
      onHypervisor(
        `ip link set ${from} down && ip link set ${from} name ${to} && ip link set ${to} up && ip route add default via ${lab.gateway}`,
      );
    await rename("br0", "br7");
    const { code, stderr } = await olympus(["up"]);
    await rename("br7", "br0");
    expect(code).toBe(2);
    expect(stderr).toContain("E-BRIDGE");
    expect(await lab.volumes()).toEqual([]);
  });

  it("is made by a second run when the first was killed in the middle", async () => {
    // As a computer that is switched off: the command, and Pulumi under it, which has a process group of its own.
    await upUntilDomain((command) => {
      for (const pid of [command, ...lab.processes(/bin\/pulumi\0/)]) process.kill(pid, "SIGKILL");
    });
    await noProvider();
    // As a failed start leaves it, too: a disk of ours that nobody knows.
    await onHypervisor("virsh -q vol-create-as default lab.athena.root.00000000.qcow2 1M --format qcow2");
    const { stderr } = await olympusOk(["up"]);
    expect(stderr).toContain("left behind by a run that did not end");
    expect(await rootDisks()).toHaveLength(1);
  });

  it("is as wished: nothing to change, by either command", async () => {
    expect((await olympus(["preview"])).code).toBe(0);
    const { events } = await olympusOk(["up", "--json"]);
    expect(events.at(-1)).toMatchObject({ changed: 0 });
    expect(await plain("pulumi preview -s r420 --non-interactive --expect-no-changes")).toContain("unchanged");
  });

  it("leaves no provider, no key file and no key in the state", async () => {
    await noProvider();
    const secrets = await openSecrets(await loadTeam(lab.teamFile));
    for (const path of ["ssh.deploy.private", "hosts.athena.private"]) {
      const line = secrets.require(path).reveal().split("\n")[2]!;
      // Not the hypervisor's own disks, where the seed belongs.
      const places = ["pulumi", "logs", "stacks"].map((folder) => join(lab.state, "lab", folder));
      // A plain pulumi's files go within a second of its end.
      const gone = async () =>
        (await execa("grep", ["-rqF", line, ...places, "/run/olympus"], { reject: false })).exitCode === 1;
      await eventually(`no ${path}`, gone);
    }
    expect(readFileSync(join(projectRoot, "stacks/Pulumi.r420.yaml"), "utf8")).not.toContain("encryptionsalt");
  });

  it("is waited for by every up, and named when it is not what was made", async () => {
    const broken = async (breakIt: string, code: string, mendIt: string): Promise<void> => {
      await inGuest(breakIt);
      const up = await olympus(["up"]);
      await inGuest(mendIt);
      expect(up.code).toBe(2);
      expect(up.stderr).toContain(code);
      expect(up.stderr).toContain("athena");
    };
    await broken(
      "sudo mv /etc/olympus/machine.json /tmp/",
      "E-READY-GENERATION",
      "sudo mv /tmp/machine.json /etc/olympus/",
    );
    await broken("sudo umount /srv/olympus", "E-READY-DATA", "sudo mount /srv/olympus");
    expect((await olympusOk(["up", "--json"])).events.at(-1)).toMatchObject({ changed: 0 });
  });

  it("that hangs is found out after a bound, and restarted; a first boot that did not come to its end begins again", async () => {
    const before = await bootId();
    // As when the power failed just before the data disk's turn: cloud-init remembers all that it had begun.
    await inGuest("sudo sh -c 'rm /var/lib/olympus/seed-applied; sed -i /olympus-data/d /etc/fstab; sync'");
    await onHypervisor("virsh -q suspend lab.athena");
    const team = await loadTeam(lab.teamFile);
    const target = sshTargetOf(team, await openSecrets(team), "athena");
    const boundMs = 4_000;
    console.log(`bound of the readiness probe: ${boundMs / 1000} s in place of 600 s, scale ${600_000 / boundMs}`);
    await expect(probe({ target, expected: { generation: "", seed: "" }, boundMs })).rejects.toMatchObject({
      code: "E-READY-NET",
    });
    // Nothing to wait for: a paused guest cannot shut down.
    expect((await olympusOk(["restart", "athena", "--yes"])).stderr).toContain("its power was cut");
    expect(await bootId()).not.toBe(before);
    expect((await olympusOk(["up", "--json"])).events.at(-1)).toMatchObject({ changed: 0 });
  });

  it("whose clock was measured wrong at boot takes a slower one, and the right time", async () => {
    const source = "cat /sys/devices/system/clocksource/clocksource0/current_clocksource";
    const boots = (words: string): Promise<string> =>
      inGuest(`sudo sed -i 's/ no5lvl.*/${words}/' /boot/extlinux/extlinux.conf`);
    const rest = (await inGuest("cat /boot/extlinux/extlinux.conf")).match(/ no5lvl.*/)![0];
    expect(await inGuest(source)).toBe("tsc");
    await boots(`${rest} tsc_early_khz=500000`);
    await olympusOk(["restart", "athena", "--yes"]);
    await eventually("the other clock", async () => (await inGuest(source)) === "hpet", 120_000);
    expect(Math.abs(Number(await inGuest("date +%s")) - Date.now() / 1000)).toBeLessThan(10);
    await boots(rest);
    await olympusOk(["restart", "athena", "--yes"]);
    const said = (): Promise<string> => inGuest("sudo journalctl -q -b -o cat -u olympus-clock.service");
    await eventually("a clock as it should be", async () => (await said()).includes("as it should be"), 120_000);
    expect(await inGuest(source)).toBe("tsc");
  });

  it("has its data disk grown while it runs, and never shrunk", async () => {
    const boot = await bootId();
    await inGuest("echo kept | sudo tee /srv/olympus/marker >/dev/null");
    const undo = lab.edit(["agents", "athena", "data"], "5 GB");
    const preview = await olympus(["preview"]);
    expect(preview.code).toBe(3);
    expect(preview.stdout).toMatch(/change\s+athena\s+data 4 -> 5 GB/);
    await olympusOk(["up"]);
    expect(await dataSize()).toBeGreaterThan(4600);
    expect(await bootId()).toBe(boot);
    expect((await olympus(["preview"])).code).toBe(0);
    undo();
    for (const command of ["preview", "up"]) {
      const refused = await olympus([command]);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain("E-DATA-SHRINK");
    }
    lab.edit(["agents", "athena", "data"], "5 GB");
  });

  it("has a growth of its data disk that was cut off in the middle brought to its end", async () => {
    const before = await dataSize();
    lab.edit(["agents", "athena", "data"], "5300 MB");
    await onHypervisor("virsh -q blockresize lab.athena vdc 5300MiB && virsh -q pool-refresh default");
    expect(await dataSize()).toBe(before);
    expect((await olympusOk(["up", "--json"])).events.at(-1)).toMatchObject({ changed: 1 });
    expect(await dataSize()).toBeGreaterThan(before + 100);
    expect((await olympusOk(["up", "--json"])).events.at(-1)).toMatchObject({ changed: 0 });
  });

  it("whose data disk is not there, as when nothing is mounted beneath its pool, is left alone", async () => {
    const boot = await bootId();
    const pool = "/var/lib/libvirt/images";
    const disk = "lab.athena.data.qcow2";
    await onHypervisor(`cd ${pool} && mkdir aside && mv ${disk} aside/ && virsh -q pool-refresh default`);
    for (const words of [["preview"], ["up"]]) {
      const { code, stderr } = await olympus(words);
      expect(code).toBe(2);
      expect(stderr).toContain("E-DATA-GONE");
      expect(stderr).toContain(disk);
    }
    await expect(plain("pulumi up -s r420 --yes --non-interactive")).rejects.toMatchObject({
      stdout: expect.stringContaining("E-DATA-GONE"),
    });
    expect(await lab.volumes()).not.toContain(disk);
    // As when somebody mounts it: libvirt is not told.
    await onHypervisor(`cd ${pool} && mv aside/${disk} . && rmdir aside`);
    expect((await olympusOk(["up", "--json"])).events.at(-1)).toMatchObject({ changed: 0 });
    expect(await bootId()).toBe(boot);
    expect(await readMarker()).toBe("kept");
  });

  it("restarts in order when its memory changes, and knows its seed", async () => {
    lab.edit(["agents", "athena", "memory"], "1100 MB");
    const preview = await olympus(["preview"]);
    expect(preview.code).toBe(3);
    expect(preview.stdout).toMatch(/restart\s+athena/);
    await plain("pulumi up -s r420 --yes --non-interactive");
    expect(Number(await inGuest("awk '/MemTotal/ { print $2 }' /proc/meminfo"))).toBeGreaterThan(1_000_000);
    expect(await inGuest("cloud-init status")).toContain("disabled");
    // Its generator runs anew, and says otherwise.
    await inGuest("sudo systemctl daemon-reload");
    await olympusOk(["up"]);
    expect(await readMarker()).toBe("kept");
    expect(await onHypervisor("virsh -q dominfo lab.athena | grep Autostart")).toContain("enable");
  });
});

describe("the team's secrets", () => {
  it.each([
    ["of another state's passphrase", "pulumi.passphrase", "correct horse battery", "E-PASSPHRASE", 1],
    ["without the key that opens every host", "ssh.deploy.private", undefined, "E-SECRET-MISSING", 1],
  ])("%s are told before anything changes", async (_what, name, value, code, exit) => {
    const file = join(lab.state, "lab", "secrets.enc.yaml");
    const before = readFileSync(file);
    const secrets = await openSecrets(await loadTeam(lab.teamFile));
    if (value === undefined) secrets.delete(name);
    else secrets.set(name, value);
    await secrets.save();
    const up = await olympus(["up"]);
    writeFileSync(file, before);
    expect(up.stderr).toContain(code);
    expect(up.code).toBe(exit);
    expect(up.stderr).not.toContain("correct horse");
    expect((await olympus(["preview"])).code).toBe(0);
  });
});

describe("the console", () => {
  it("of a machine is on this terminal, and left by its key", async () => {
    const command = `${join(projectRoot, "scripts/olympus")} console athena`;
    const terminal = execa("script", ["-qefc", command, "/dev/null"], { cwd: projectRoot, reject: false });
    let shown = "";
    terminal.stdout.on("data", (chunk: Buffer) => {
      shown += chunk.toString();
    });
    await eventually("the console", async () => shown.includes("Escape character"), 120_000);
    // virsh looks for its key at the beginning of what it reads: nothing is written together with it.
    const type = async (key: string, done: () => boolean): Promise<void> => {
      const typed = async (): Promise<boolean> => {
        if (!done()) terminal.stdin.write(key);
        return done();
      };
      await eventually(`an answer to ${JSON.stringify(key)}`, typed, 300_000, 2_000);
    };
    await type("\r", () => shown.includes("athena login:"));
    let left = false;
    void terminal.then(() => {
      left = true;
    });
    await type("\u001d", () => left);
    expect((await terminal).exitCode).toBe(0);
  });

  it("of its last start is kept", async () => {
    expect((await olympusOk(["console", "athena", "--recorded"])).stdout).toMatch(/\S/);
  });
});

describe("a hypervisor", () => {
  it("with another host key is left alone, both fingerprints shown", async () => {
    const other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFhp4V8vCivrv67a08O+tB2+FO+HaKbAjvHZ88Zd75U";
    const undo = lab.edit(["hypervisors", "r420", "hostKey"], other);
    const { code, stderr } = await olympus(["up"]);
    undo();
    expect(code).toBe(5);
    expect(stderr).toContain("E-HOSTKEY");
    expect(new Set(stderr.match(/SHA256:[A-Za-z0-9+/]{43}/g)).size).toBe(2);
  });

  it.each([
    ["bridge", "br9", "E-BRIDGE"],
    ["pool", "fast", "E-POOL"],
  ])("without the %s that the team file names says so", async (field, value, code) => {
    const undo = lab.edit(["hypervisors", "r420", field], value);
    const { code: exit, stderr } = await olympus(["preview"]);
    undo();
    expect(exit).toBe(2);
    expect(stderr).toContain(code);
    expect(stderr).toContain(value);
  });

  it("with a domain of somebody else's under our name is left alone", async () => {
    const xml = "<domain type='qemu'><name>lab.zeus</name><memory>65536</memory><os><type>hvm</type></os></domain>";
    await onHypervisor(`echo "${xml}" > /tmp/zeus.xml && virsh -q define /tmp/zeus.xml`);
    const { code, stderr } = await olympus(["up"]);
    await onHypervisor("virsh -q undefine lab.zeus");
    expect(code).toBe(2);
    expect(stderr).toContain("E-FOREIGN");
  });

  it("that is down is named, and nothing is lost", async () => {
    await olympusOk(["lab", "exec", "r420", "systemctl", "stop", "ssh"]);
    const { code, stderr } = await olympus(["up"]);
    await olympusOk(["lab", "exec", "r420", "systemctl", "start", "ssh"]);
    expect(code).toBe(4);
    expect(stderr).toContain(lab.address);
    expect((await olympus(["preview"])).code).toBe(0);
  });
});

describe("destroy", () => {
  it("leaves the data disk and nothing else", async () => {
    await olympusOk(["destroy", "--all", "--yes"]);
    expect(await onHypervisor("virsh -q list --all --name")).toBe("");
    expect(await lab.volumes()).toEqual(["lab.athena.data.qcow2"]);
    await noProvider();
  });

  it.each([
    ["an accelerator that does not work", "accel", "kvm", "E-ACCEL"],
    ["a full pool", "pool", "small", "E-DISK-FULL"],
  ])("is followed by an up on %s, which says so", async (_what, field, value, code) => {
    await onHypervisor(
      "mkdir -p /mnt/small; mountpoint -q /mnt/small || mount -t tmpfs -o size=64m tmpfs /mnt/small; virsh -q pool-info small >/dev/null 2>&1 || { virsh -q pool-define-as small dir --target /mnt/small && virsh -q pool-start small; }",
    );
    // What the case before began is known by its data disk: in another pool that would be gone.
    await olympusOk(["destroy", "--all", "--yes"]);
    const undo = lab.edit(["hypervisors", "r420", field], value);
    // The second finds what the first left there.
    const runs = [await olympus(["up"]), await olympus(["up"])];
    undo();
    for (const { code: exit, stderr } of runs) {
      expect(exit).toBe(2);
      expect(stderr).toContain(code);
    }
    await noProvider();
  });

  it("and an interrupted up are mended by the next, which finds the data", async () => {
    const { exitCode } = await upUntilDomain((command) => process.kill(command, "SIGINT"));
    expect(exitCode).toBe(130);
    await noProvider();
    // Worse: the root disk is gone, and the provider cannot even read such a domain.
    for (const volume of await rootDisks()) await onHypervisor(`virsh -q vol-delete ${volume} --pool default`);
    await olympusOk(["up"]);
    expect(await readMarker()).toBe("kept");
    expect(await rootDisks()).toHaveLength(1);
  });

  it("is how a machine whose data disk is lost gets a new one, which no up gives it by itself", async () => {
    await onHypervisor("virsh -q vol-delete lab.athena.data.qcow2 --pool default");
    const boot = await bootId();
    const { code, stderr } = await olympus(["up"]);
    expect(code).toBe(2);
    expect(stderr).toContain("npx olympus destroy athena, and npx olympus up r420");
    expect(await bootId()).toBe(boot);
    await olympusOk(["destroy", "athena", "--yes"]);
    await olympusOk(["up"]);
    expect(await inGuest("ls /srv/olympus/marker || echo none")).toContain("none");
  });

  it("takes the data too when it is told to", async () => {
    await olympusOk(["destroy", "athena", "--purge-data", "athena", "--confirm", "athena", "--yes"]);
    // Of one machine only: the image is there for the others.
    expect(await lab.volumes()).toEqual([expect.stringMatching(/^lab\.image\./)]);
  });
});
