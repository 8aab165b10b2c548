import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { openSecrets } from "../../secrets/store.ts";
import { cacheDir, projectRoot } from "../../src/base/paths.ts";
import { silentReporter } from "../../src/base/report.ts";
import { ensureImage } from "../../src/images/index.ts";
import { loadTeam } from "../../src/team/load.ts";
import { eventually, olympus, olympusOk } from "../support/olympus.ts";

/**
 * The life of one VM on a real hypervisor over qemu+ssh: made, left alone, grown, restarted, destroyed, made again, and
 * what can go wrong on the way. The tests build on one another, in this order.
 */

// A lab of its own, beside one that may be up; roots, tools and images are shared through links.
const top = mkdtempSync("/var/tmp/olympus-machines-test-");
const state = join(top, "state");
process.env.OLYMPUS_STATE = state;
process.env.XDG_CONFIG_HOME = join(top, "config");
const teamFile = join(state, "lab", "team.yaml");
const address = "10.223.1.7";

/** Changes the lab's working copy as a person would, and gives back how to undo it. */
function edit(path: (string | number)[], value: unknown): () => void {
  const before = readFileSync(teamFile, "utf8");
  const document = parseDocument(before);
  if (value === undefined) document.deleteIn(path);
  else document.setIn(path, value);
  writeFileSync(teamFile, document.toString());
  return () => writeFileSync(teamFile, before);
}

const onHypervisor = async (command: string): Promise<string> =>
  (await olympusOk(["lab", "exec", "r420", "--", "sh", "-c", command])).stdout.trim();
const inGuest = async (command: string): Promise<string> =>
  (await olympusOk(["ssh", "athena", "--", command])).stdout.trim();
const volumes = async (): Promise<string[]> =>
  (await onHypervisor("virsh -q vol-list default"))
    .split("\n")
    .map((line) => line.trim().split(/\s+/)[0]!)
    .filter(Boolean);

/** Processes of this test's stacks, told by their environment: others' may run beside them. */
function processes(pattern: RegExp): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const mine = readFileSync(`/proc/${pid}/environ`, "utf8").includes(`OLYMPUS_TEAM=${teamFile}`);
        return mine && pattern.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
      } catch (error) {
        // Ended between the two looks.
        if (["ENOENT", "ESRCH", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
        throw error;
      }
    })
    .map(Number);
}

const providers = (): number[] => processes(/terraform-provider/);

beforeAll(async () => {
  await ensureImage("debian-12", { reporter: silentReporter() });
  mkdirSync(join(top, "cache"));
  for (const shared of ["lab-root", "tools", "images", "compile"]) {
    mkdirSync(cacheDir(shared), { recursive: true });
    symlinkSync(cacheDir(shared), join(top, "cache", shared));
  }
  process.env.OLYMPUS_CACHE = join(top, "cache");
  const text = readFileSync(join(projectRoot, "examples/lab/team.yaml"), "utf8").replaceAll("10.220.1.", "10.223.1.");
  const document = parseDocument(text);
  for (const path of [["hypervisors", "r720xd"], ["services"], ["lab", "publish"], ["connectivity"]])
    document.deleteIn(path);
  // No machine of this team carries the rehearsal model; nothing here asks a model.
  document.setIn(["defaults", "models"], [{ provider: "anthropic", model: "none", price: { input: 1, output: 1 } }]);
  const file = join(top, "team.yaml");
  writeFileSync(file, document.toString());
  await olympusOk(["lab", "up", "--team", file]);
});

afterAll(async () => {
  await olympus(["lab", "down", "--purge", "--yes"]);
  rmSync(top, { recursive: true, force: true });
});

describe("a machine", () => {
  it("is made by a second run when the first was killed in the middle", async () => {
    const first = execa(join(projectRoot, "scripts/olympus"), ["up"], { stdin: "ignore", reject: false });
    await eventually(
      "the domain",
      async () => (await onHypervisor("virsh -q list --name")).includes("lab.athena"),
      120_000,
    );
    // As a computer that is switched off: the command, and Pulumi under it, which has a process group of its own.
    for (const pid of [first.pid!, ...processes(/bin\/pulumi\0/)]) process.kill(pid, "SIGKILL");
    await first;
    await eventually("the provider's end", async () => providers().length === 0, 20_000);
    // As a failed start leaves it, too: a disk of ours that nobody knows.
    await onHypervisor("virsh -q vol-create-as default lab.athena.root.00000000.qcow2 1M --format qcow2");
    const { stderr } = await olympusOk(["up"]);
    expect(stderr).toContain("left behind by a run that did not end");
    expect((await volumes()).filter((name) => name.includes("root"))).toHaveLength(1);
  });

  it("is as wished: nothing to change, by either command", async () => {
    expect((await olympus(["preview"])).code).toBe(0);
    const { events } = await olympusOk(["up", "--json"]);
    expect(events.at(-1)).toMatchObject({ changed: 0 });
    const { stdout: shell } = await olympusOk(["env"]);
    const plain = await execa(
      "bash",
      ["-c", `${shell}\npulumi preview -s r420 --non-interactive --expect-no-changes`],
      {
        cwd: projectRoot,
      },
    );
    expect(plain.stdout).toContain("unchanged");
  });

  it("leaves no provider, no key file and no key in the state", async () => {
    expect(providers()).toEqual([]);
    const secrets = await openSecrets(await loadTeam(teamFile));
    for (const path of ["ssh.deploy.private", "hosts.athena.private"]) {
      const line = secrets.require(path).reveal().split("\n")[2]!;
      // Not the hypervisor's own disks, where the seed belongs.
      const places = ["pulumi", "logs", "stacks"].map((folder) => join(state, "lab", folder));
      // A plain pulumi's files go within a second of its end.
      const gone = async () =>
        (await execa("grep", ["-rqF", line, ...places, "/run/olympus"], { reject: false })).exitCode === 1;
      await eventually(`no ${path}`, gone, 10_000);
    }
    expect(readFileSync(join(projectRoot, "stacks/Pulumi.r420.yaml"), "utf8")).not.toContain("encryptionsalt");
  });

  it("has its data disk grown while it runs, and never shrunk", async () => {
    const boot = await inGuest("cat /proc/sys/kernel/random/boot_id");
    await inGuest("echo kept | sudo tee /srv/olympus/marker >/dev/null");
    const undo = edit(["agents", "athena", "data"], "5 GB");
    await olympusOk(["up"]);
    expect(Number(await inGuest("df --output=size -BM /srv/olympus | tail -1 | tr -dc 0-9"))).toBeGreaterThan(4600);
    expect(await inGuest("cat /proc/sys/kernel/random/boot_id")).toBe(boot);
    undo();
    const refused = await olympus(["up"]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("E-DATA-SHRINK");
    edit(["agents", "athena", "data"], "5 GB");
  });

  it("restarts in order when its memory changes, and knows its seed", async () => {
    edit(["agents", "athena", "memory"], "1100 MB");
    const preview = await olympus(["preview"]);
    expect(preview.code).toBe(3);
    expect(preview.stdout).toMatch(/restart\s+athena/);
    await olympusOk(["up"]);
    expect(Number(await inGuest("awk '/MemTotal/ { print $2 }' /proc/meminfo"))).toBeGreaterThan(1_000_000);
    expect(await inGuest("cloud-init status")).toContain("disabled");
    expect(await inGuest("cat /srv/olympus/marker")).toBe("kept");
    expect(await onHypervisor("virsh -q dominfo lab.athena | grep Autostart")).toContain("enable");
  });
});

describe("a hypervisor", () => {
  it("with another host key is left alone, both fingerprints shown", async () => {
    const other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFhp4V8vCivrv67a08O+tB2+FO+HaKbAjvHZ88Zd75U";
    const undo = edit(["hypervisors", "r420", "hostKey"], other);
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
    const undo = edit(["hypervisors", "r420", field], value);
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
    expect(stderr).toContain(address);
    expect((await olympus(["preview"])).code).toBe(0);
  });
});

describe("destroy", () => {
  it("leaves the data disk and nothing else, and the next machine finds it", async () => {
    await olympusOk(["destroy", "--all", "--yes"]);
    expect(await onHypervisor("virsh -q list --all --name")).toBe("");
    expect(await volumes()).toEqual(["lab.athena.data.qcow2"]);
    expect(providers()).toEqual([]);
    await olympusOk(["up"]);
    expect(await inGuest("cat /srv/olympus/marker")).toBe("kept");
  });
});
