import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cacheDir, projectRoot } from "../../src/base/paths.ts";
import { silentReporter } from "../../src/base/report.ts";
import { findHierarchies } from "../../src/lab/cgroups.ts";
import { waitFor } from "../../src/lab/processes.ts";
import { ensureRoots } from "../../src/lab/root.ts";
import { freeNetwork } from "../support/free-network.ts";
import { labEnvironment, labFolder } from "../support/lab-folder.ts";
import { clockOffset, hostSettings, traces } from "./lab-host.ts";

// A lab of its own, beside one that may be up: other folder, other network, other ports; the roots are shared through a link.
const top = await labFolder("lab");
const state = join(top, "state");
const labDir = join(state, "lab");
const labName = `lab-${createHash("sha256").update(labDir).digest("hex").slice(0, 8)}`;
const marks = [labName, top];
const ports = { web: 28065, other: 28789 };
/** First three numbers of the lab's addresses. */
const net = freeNetwork(222);
const teamFile = join(top, "team.yaml");
const env = labEnvironment(top);

interface LabJson {
  up: boolean;
  changed: number;
  machines: { name: string; address: string; running: boolean; guests: number }[];
}

interface Ran {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

async function lab(...args: string[]): Promise<Ran> {
  const options = { env, reject: false, stdin: "ignore", timeout: 600_000 } as const;
  const { exitCode, stdout, stderr } = await execa(join(projectRoot, "scripts/olympus"), ["lab", ...args], options);
  return { exitCode, stdout: String(stdout ?? ""), stderr: String(stderr ?? "") };
}

async function labJson(...args: string[]): Promise<LabJson> {
  const result = await lab(...args, "--json");
  expect(result.exitCode, result.stderr + result.stdout).toBe(0);
  return JSON.parse(result.stdout.trim().split("\n").at(-1)!) as LabJson;
}

/** The roots of this computer's own cache; a purge takes away the link. */
function linkRoots(): void {
  mkdirSync(env.OLYMPUS_CACHE, { recursive: true });
  const link = join(env.OLYMPUS_CACHE, "lab-root");
  if (!existsSync(link)) symlinkSync(cacheDir("lab-root"), link);
}

async function up(): Promise<LabJson> {
  linkRoots();
  return labJson("up", "--team", teamFile);
}
const inside = (name: string, script: string): Promise<Ran> => lab("exec", name, "--", "sh", "-c", script);
let before: Record<string, string>;
const offset = clockOffset();

beforeAll(async () => {
  before = await hostSettings();
  await ensureRoots({ reporter: silentReporter(), hypervisor: true });
  const text = readFileSync(join(projectRoot, "examples/lab/team.yaml"), "utf8");
  const moved = text
    .replaceAll("10.220.1.", `${net}.`)
    .replace(`"8065": ${net}.20:8065`, `"${ports.web}": ${net}.7:8080`);
  writeFileSync(teamFile, moved.replace('"18789":', `"${ports.other}":`));
});

afterAll(async () => {
  await lab("down", "--purge", "--yes");
  rmSync(top, { recursive: true, force: true, maxRetries: 5 });
});

describe("a lab that is up", () => {
  it("comes up, and a second time changes nothing", async () => {
    const first = await up();
    expect(first.machines.map(({ running }) => running)).toEqual([true, true]);
    expect(await up()).toMatchObject({ up: true, changed: 0 });
    expect(readFileSync(join(state, "current-team"), "utf8").trim()).toBe(join(labDir, "team.yaml"));
  });

  it("pins the host keys that its hypervisors show, and keeps the file's comments", async () => {
    const copy = readFileSync(join(labDir, "team.yaml"), "utf8");
    expect(copy).toContain("# This computer's own leg in the lab's network.");
    const shown = await execa("ssh-keyscan", ["-t", "ed25519", `${net}.7`, `${net}.10`]);
    const keys = shown.stdout.split("\n").map((line) => line.split(" ").slice(1).join(" "));
    expect(keys).toHaveLength(2);
    for (const key of keys) expect(copy).toContain(key);
  });

  it("gives its hypervisors bridge, pool and libvirt for the operator", async () => {
    const result = await inside(
      "r420",
      "runuser -u operator -- virsh -c qemu:///system pool-info default && ip -br address show br0 && systemctl is-system-running --wait",
    );
    expect(result.stdout).toMatch(/State:\s+running[\s\S]*Autostart:\s+yes[\s\S]*br0[\s\S]*\.7\/24[\s\S]*running/);
  });

  it("lets its machines out through NAT, names and packages included, each package fetched once", async () => {
    // One small source: what is looked at is the way, not APT's own work.
    const fetch = `rm -rf /var/lib/apt/lists/* && grep -e -updates /etc/apt/sources.list > /run/one.list && apt-get -q update -o Dir::Etc::sourcelist=/run/one.list -o Acquire::http::Proxy=http://${net}.1:3142`;
    const names = await inside("r420", `getent hosts r420 && ${fetch}`);
    expect(names.exitCode, names.stderr).toBe(0);
    const cached = () => readdirSync(join(env.OLYMPUS_CACHE, "apt")).sort();
    // A client has its file a moment before it is kept.
    const whole = () => (cached().some((name) => name.endsWith(".partial")) ? undefined : cached());
    const kept = await waitFor(whole, 120_000);
    expect(kept?.length).toBeGreaterThan(0);
    expect((await inside("r720xd", fetch)).exitCode).toBe(0);
    expect(await waitFor(whole, 120_000)).toEqual(kept);
    const away = await inside(
      "r420",
      `curl -s -o /dev/null -w '%{http_code}' -x http://${net}.1:3142 http://127.0.0.1:8065/`,
    );
    expect(away.stdout).toBe("403");
  });

  it("publishes a port on 127.0.0.1", async () => {
    await inside(
      "r420",
      `systemd-run --quiet --unit=web python3 -m http.server --bind ${net}.7 --directory /etc/ssh 8080`,
    );
    const answer = await waitFor(
      async () => {
        const { stdout } = await execa("curl", ["-s", `http://127.0.0.1:${ports.web}/`], { reject: false });
        return stdout.includes("sshd_config") ? true : undefined;
      },
      120_000,
      200,
    );
    expect(answer).toBe(true);
  });

  it("keeps its machines from the host's clock, settings, modules and disks", async () => {
    for (const attack of [
      "date -s 2020-01-01",
      "sysctl -w kernel.panic=77",
      "echo 1 > /proc/sysrq-trigger",
      "mknod /root/disk b $(stat -c '%Hd %Ld' /var/lib/libvirt/images) && head -c 1 /root/disk",
      "modprobe dummy",
      "dmesg",
    ]) {
      const result = await inside("r420", attack);
      expect(result.exitCode, `${attack}: ${result.stdout}`).not.toBe(0);
    }
    // Its own network is its own.
    expect((await inside("r420", "sysctl -w net.ipv4.ip_forward=1 && nft add table ip own")).exitCode).toBe(0);
    expect(await hostSettings()).toEqual(before);
    // Years apart had the attack worked; a clock that is kept right may be moved a little meanwhile.
    expect(Math.abs(clockOffset() - offset)).toBeLessThan(3_600_000);
  });

  it("brings guests with autostart back after a power cut of their hypervisor", async () => {
    const domain = `<domain type='qemu'><name>probe</name><memory unit='MiB'>64</memory><os><type arch='x86_64'>hvm</type></os>
      <devices><interface type='bridge'><source bridge='br0'/></interface></devices></domain>`;
    const virsh = "virsh -q -c qemu:///system";
    const defined = await inside(
      "r420",
      `printf '%s' "${domain}" > /root/probe.xml && ${virsh} define /root/probe.xml && ${virsh} autostart probe && ${virsh} start probe`,
    );
    expect(defined.exitCode, defined.stderr).toBe(0);
    expect((await labJson("status")).machines.find(({ name }) => name === "r420")?.guests).toBe(1);
    await labJson("restart", "r420", "--kill");
    const back = await waitFor(
      async () => (String((await inside("r420", `${virsh} list`)).stdout).includes("running") ? true : undefined),
      120_000,
      250,
    );
    expect(back).toBe(true);
  });

  it("stops a machine orderly, and starts what is missing", async () => {
    await labJson("stop", "r720xd");
    expect((await labJson("status")).up).toBe(false);
    expect(await up()).toMatchObject({ up: true, changed: 1 });
  });
});

describe("a lab that goes", () => {
  it("leaves nothing running, and keeps disks until it is purged", async () => {
    await inside("r420", "virsh -q -c qemu:///system destroy probe");
    expect((await lab("down")).exitCode).toBe(0);
    expect(await traces(marks)).toEqual([]);
    expect(existsSync(join(state, "current-team"))).toBe(false);
    expect(existsSync(join(labDir, "machines/r420/upper/root/probe.xml"))).toBe(true);
    expect(await hostSettings()).toEqual(before);
    expect((await lab("down")).stdout).toContain("Nothing to remove.");
  });

  const moments = [
    { moment: "the gateway", group: "gateway", next: "down" },
    { moment: "a hypervisor", group: "r420", next: "up" },
    { moment: "the published ports", group: "services", next: "down" },
  ];
  it.each(moments)('goes $next after kill -9 of "lab up" while it starts $moment', async ({ group, next }) => {
    await killedUp(join(findHierarchies().main, "olympus-lab", labName, group));
    if (next === "up") expect((await up()).up).toBe(true);
    expect((await lab("down", "--purge", "--yes")).exitCode).toBe(0);
    expect(await traces(marks)).toEqual([]);
    expect(await hostSettings()).toEqual(before);
    expect(existsSync(labDir)).toBe(false);
  });

  it('can be taken down after kill -9 of "lab down"', async () => {
    await up();
    const down = execa(join(projectRoot, "scripts/olympus"), ["lab", "down"], { env, reject: false });
    await waitFor(() => (existsSync(join(state, "current-team")) ? undefined : true), 120_000, 5);
    down.kill("SIGKILL");
    await down;
    expect((await lab("down")).exitCode).toBe(0);
    expect(await traces(marks)).toEqual([]);
    expect(await hostSettings()).toEqual(before);
  });
});

describe("a computer that is not empty", () => {
  let server: Server;
  beforeAll(async () => {
    server = createServer();
    await new Promise<void>((resolve) => server.listen(ports.web, "127.0.0.1", resolve));
  });
  afterAll(() => void server.close());

  it("is left alone when a port is taken, and says by whom", async () => {
    const result = await lab("up", "--team", teamFile);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("E-PORT-TAKEN");
    expect(result.stderr).toContain(`process ${process.pid}`);
    expect(await traces([labName])).toEqual([]);
  });

  it("is left alone when the network is routed elsewhere", async () => {
    // In a network namespace of the test's own, where somebody has the lab's network.
    const taken = `ip link set lo up; ip link add taken type bridge; ip address add ${net}.9/24 dev taken; ip link set taken up; exec "$@"`;
    const words = [
      "--net",
      "sh",
      "-ec",
      taken,
      "sh",
      join(projectRoot, "scripts/olympus"),
      "lab",
      "up",
      "--team",
      teamFile,
    ];
    const result = await execa("unshare", words, { env, reject: false, stdin: "ignore" });
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/E-LAB-NETWORK[\s\S]*network\.cidr/);
    expect(await traces([labName])).toEqual([]);
  });
});

/** Starts `lab up` and kills it the moment that `path` is there; once more where it was quicker. */
async function killedUp(path: string): Promise<void> {
  linkRoots();
  const words = ["lab", "up", "--team", teamFile];
  for (let tries = 1; ; tries += 1) {
    const child = execa(join(projectRoot, "scripts/olympus"), words, { env, reject: false });
    expect(await waitFor(() => (existsSync(path) ? true : undefined), 300_000, 2)).toBe(true);
    child.kill("SIGKILL");
    if ((await child).isTerminated) return;
    expect(tries).toBeLessThan(5);
    expect((await lab("down")).exitCode).toBe(0);
  }
}
