/** Roles on a VM, where a lab machine would lie: the clock is its own, the kernel takes every setting, containers start, a restart is one, and so is a power cut. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { kernelSettings } from "../../roles/hardening/kernel.ts";
import { eventually, olympus, olympusOk } from "../support/olympus.ts";
import { type OneMachineLab, openOneMachineLab } from "../support/one-machine.ts";

let lab: OneMachineLab;
beforeAll(async () => {
  lab = await openOneMachineLab();
  await olympusOk(["up"]);
});
afterAll(() => lab?.close());

const run = (action: string, ...roles: string[]) => olympusOk(["role", action, ...roles, "--host", "athena", "--yes"]);
const inGuest = (command: string): Promise<string> => lab.inGuest(command);

/** All kernel settings that the role has, as they are. */
const settings = (): Promise<string> =>
  inGuest(
    `sudo sysctl -e ${Object.keys(kernelSettings)
      .map((name) => name.replace(/^-/, ""))
      .join(" ")}`,
  );

/** Kernel settings that are not as the role has them; those with `-` may be missing. */
async function wrongSettings(): Promise<string[]> {
  const lines = (await settings()).split("\n");
  const now = new Map(lines.map((line): [string, string] => [line.split(" = ")[0]!, line.split(" = ")[1]!]));
  return Object.entries(kernelSettings).flatMap(([name, value]) => {
    const found = now.get(name.replace(/^-/, ""));
    return found === String(value) || (found === undefined && name.startsWith("-")) ? [] : [`${name} = ${found}`];
  });
}

test("#32 base sets a clock that is hours off before anything else, and the time zone", async () => {
  lab.edit(["defaults", "timezone"], "Asia/Tokyo");
  // Nobody but the role is to set it right.
  await inGuest("sudo systemctl stop systemd-timesyncd; sudo date -s '2 hours ago'");
  const { stderr } = await run("setup", "base");
  expect(stderr).toMatch(/clock is .* behind/);
  const [seconds, zone] = (await inGuest("date '+%s %Z'")).split(" ");
  // Seconds may pass until we look; hours do not.
  expect(Math.abs(Number(seconds) - Date.now() / 1000)).toBeLessThan(1800);
  expect(zone).toBe("JST");
  expect((await olympus(["role", "check", "base", "--host", "athena"])).code).toBe(0);
});

const domain = (): Promise<string> => lab.onHypervisor("virsh -q list --all --name");

/** A setup that is begun, once dpkg works for it in the machine: the worst time for a restart. */
async function amidPackages(...words: string[]): Promise<{ readonly ended: ReturnType<typeof olympus> }> {
  const ended = olympus(["role", "setup", ...words, "--host", "athena", "--yes"]);
  await eventually("dpkg at work", async () => (await inGuest("pgrep -x dpkg || true")) !== "", 300_000);
  return { ended };
}

/** The image has settings of its own for sshd, in the file that the role's take the place of. */
const sshd = (): Promise<string> => inGuest("cat /etc/ssh/sshd_config.d/*");
let before: string[] = [];

test("hardening is in effect in a kernel of its own, and shuts strangers out, not the team's people", async () => {
  before = [await settings(), await sshd()];
  lab.edit(["agents", "athena", "roles"], { hardening: {} });
  await run("setup", "hardening");
  expect(await wrongSettings()).toEqual([]);
  expect(await inGuest("sudo sshd -T | grep -E '^(passwordauthentication|permitrootlogin)' | sort")).toBe(
    "passwordauthentication no\npermitrootlogin no",
  );
  const door = `timeout 20 bash -c 'exec 3<>/dev/tcp/${lab.guest}/22 && head -c 4 <&3' || echo closed`;
  expect(await lab.onHypervisor(door)).toBe("SSH-");
  await lab.onHypervisor(
    `for n in 1 2 3 4 5 6 7; do timeout 60 ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null nobody-knows@${lab.guest} true 2>/dev/null || echo refused; done`,
  );
  await eventually("the ban", async () => (await lab.onHypervisor(door)) === "closed", 300_000);
  await inGuest("sudo fail2ban-client unban --all");
  expect(await lab.onHypervisor(door)).toBe("SSH-");
});

const docker = { source: "registries", members: ["agent"] };
/** A line that gets a page by its port. busybox's own wget is no help: linked statically, it is ended by a signal there. */
const get = (address: string, port: number): string =>
  `timeout 20 bash -c 'exec 3<>/dev/tcp/${address}/${port} && printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3 && grep hello <&3' || echo closed`;
/** What the hypervisor, which is in the team's network, gets from a port of the machine. */
const fromHypervisor = (port: number): Promise<string> => lab.onHypervisor(get(lab.guest, port));
const inside = (port: number): Promise<string> => inGuest(get("127.0.0.1", port));

test("#24 the power goes while packages are installed: the machine starts again, and the setup goes on by itself", async () => {
  lab.edit(["agents", "athena", "roles"], { hardening: {}, docker });
  const boot = () => inGuest("cat /proc/sys/kernel/random/boot_id");
  const first = await boot();
  const { ended } = await amidPackages("docker", "--boot-timeout", "900");
  await lab.onHypervisor(`virsh -q reset ${await domain()}`);
  expect((await ended).code).toBe(0);
  expect(await boot()).not.toBe(first);
  expect(await inGuest("sudo dpkg --audit; systemctl is-active docker")).toBe("active");
  expect((await olympusOk(["role", "check", "docker", "--host", "athena", "--json"])).events.at(-1)).toMatchObject({
    changed: 0,
  });
});

test("#25 the power goes and does not come back: exit 4 once the time is over, with its console; later it is set up", async () => {
  await run("reset", "docker");
  const { ended } = await amidPackages("docker", "--boot-timeout", "20");
  const name = await domain();
  await lab.onHypervisor(`virsh -q destroy ${name}`);
  const { code, stderr } = await ended;
  expect(code).toBe(4);
  expect(stderr).toMatch(new RegExp(`on r420: virsh -c qemu:///system console ${name}`));
  await lab.onHypervisor(`virsh -q start ${name}`);
  await run("setup", "docker", "--wait-for-boot");
  expect(await inGuest("sudo dpkg --audit; systemctl is-active docker")).toBe("active");
});

test("a container's published ports are open to whom they should be, over a restart of the machine too", async () => {
  await inGuest(
    "sudo apt-get -qq install -y busybox-static && mkdir -p web/bin && cp /bin/busybox web/bin/ && echo hello >web/index.html && tar -C web -c . | docker import - web:1",
  );
  const start = (name: string, ports: string) =>
    inGuest(`docker run -d --restart always --name ${name} -p ${ports} web:1 /bin/busybox httpd -f -p 80 -h /`);
  await start("own", "8080:80");
  await start("open", "0.0.0.0:8081:80");
  expect([await inside(8080), await inside(8081)]).toEqual(["hello", "hello"]);
  // The team's network may reach what was published to all, and nothing else.
  expect([await fromHypervisor(8080), await fromHypervisor(8081)]).toEqual(["closed", "hello"]);

  await olympusOk(["restart", "athena", "--yes"]);
  await eventually("the container", async () => (await fromHypervisor(8081)) === "hello", 300_000);
  expect(await fromHypervisor(8080)).toBe("closed");
  expect(await wrongSettings()).toEqual([]);
  expect(await inGuest("date +%Z")).toBe("JST");
});

test("with the firewall the matrix decides about containers, too", async () => {
  // No row opens 8081.
  lab.edit(["agents", "athena", "roles"], { hardening: {}, docker, firewall: {} });
  await run("setup", "docker", "firewall");
  await eventually("the container", async () => (await inside(8081)) === "hello", 300_000);
  expect(await fromHypervisor(8081)).toBe("closed");
  lab.edit(
    ["connectivity"],
    [{ from: "hypervisors", to: "agents", protocol: "tcp", port: 8081, purpose: "a container's page" }],
  );
  await run("setup", "docker", "firewall");
  await eventually("the open port", async () => (await fromHypervisor(8081)) === "hello", 300_000);
});

test("reset takes all of it back", async () => {
  await run("reset", "docker", "firewall", "hardening", "base");
  expect(await inGuest("command -v docker || sudo ls /var/lib/docker | head -n 1")).not.toContain("/usr/bin");
  expect([await settings(), await sshd()]).toEqual(before);
  expect(await inGuest("sudo nft list tables | grep -E 'olympus|f2b'; date +%Z")).toBe("UTC");
});

test("#4 a machine whose key is to be another is rebuilt with it, and never asked for; by its old one nobody is taken in", async () => {
  const shown = async () =>
    (await lab.onHypervisor(`ssh-keyscan -t ed25519 ${lab.guest} 2>/dev/null`)).split(" ").slice(1).join(" ");
  const old = await shown();
  await olympusOk(["secrets", "forget", "hosts.athena.private", "hosts.athena.public"]);
  await olympusOk(["secrets", "init"]);
  // The machine still has its old key: no login, no prompt.
  const refused = await olympus(["role", "check", "base", "--host", "athena"]);
  expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining("E-HOSTKEY")]);
  await olympusOk(["rebuild", "athena", "--yes"]);
  const { stdout } = await olympusOk(["secrets", "get", "hosts.athena.public", "--yes"]);
  expect(await shown()).toBe(stdout.trim().split(" ").slice(0, 2).join(" "));
  expect(await shown()).not.toBe(old);
  expect((await olympus(["role", "check", "base", "--host", "athena"])).code).toBe(3);
});

test("#31 what cloud-init itself notes down of its first boot is read: an error stops a setup, what it took lightly is told", async () => {
  const status = "/run/cloud-init/status.json";
  const noted = async (key: string, value: string) => {
    await inGuest(
      `sudo cp ${status} /root/status; sudo python3 -c 'import json; s = json.load(open("/root/status")); s["v1"]["modules-final"]["${key}"] = ${value}; json.dump(s, open("${status}", "w"))'`,
    );
    const result = await olympus(["role", "check", "base", "--host", "athena"]);
    await inGuest(`sudo mv /root/status ${status}`);
    return result;
  };
  const failed = await noted("errors", `["no disk found"]`);
  expect([failed.code, failed.stderr]).toEqual([2, expect.stringContaining("no disk found")]);
  const lightly = await noted("recoverable_errors", `{"WARNING": ["old key"]}`);
  // It goes on, and finds a new machine.
  expect([lightly.code, lightly.stderr]).toEqual([3, expect.stringMatching(/took lightly: .*old key/)]);
});
