/** A plain machine becomes a libvirt host: who may use it, its pool, and a volume in it; reset leaves the volumes. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { bridgeOperations } from "../../roles/hypervisor/bridge.ts";
import { role } from "../../roles/hypervisor/role.ts";
import { snapshotDifference, snapshotHost } from "../support/host-snapshot.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

let lab: RoleLab;
let before: string[];
const inside = (script: string) => lab.inside(script);
const operationsWith = (accel: "tcg" | "kvm") =>
  role.setup(
    {
      user: "agent",
      pool: "olympus",
      accel,
      network: { name: "br0", address: "10.231.0.10/24", gateway: "10.231.0.1", resolvers: ["10.231.0.1"] },
    },
    role.params.parse({ poolPath: "/srv/volumes" }),
  );
const operations = operationsWith("tcg");

beforeAll(async () => {
  lab = await openRoleLab(1);
  before = await snapshotHost(inside);
});
afterAll(async () => lab?.close());

test("#53 with accel: kvm a host without /dev/kvm is refused before anything is made there", async () => {
  expect(await inside("[ -e /dev/kvm ] || echo none")).toBe("none\n");
  const refused = await lab.apply("setup", { hypervisor: operationsWith("kvm") });
  expect(refused.errors).toMatchObject([{ code: "E-ROLE-APPLY", exit: 2, where: "athena" }]);
  expect(refused.errors[0]!.message).toContain(
    "there is no /dev/kvm: switch virtualization on in the firmware, or say  accel: tcg  in the team file",
  );
  expect(snapshotDifference(before, await snapshotHost(inside))).toEqual([]);
});

test("set up, the login uses libvirt without sudo, and the pool takes volumes", async () => {
  const setup = await lab.apply("setup", { hypervisor: operations });
  expect(setup.errors).toEqual([]);
  const virsh = "runuser -l agent -c 'virsh -q -c qemu:///system";
  expect(await inside(`${virsh} vol-create-as olympus base.image.1 1M --format qcow2'; ls /srv/volumes`)).toContain(
    "base.image.1",
  );
  expect(await inside(`${virsh} pool-info olympus'`)).toMatch(/State: +running[\s\S]*Autostart: +yes/);
  expect(await inside("cat /etc/apparmor.d/local/abstractions/libvirt-qemu")).toContain("/srv/volumes/*.image.* rk,");
  const again = await lab.apply("setup", { hypervisor: operations });
  expect([again.errors, again.changed]).toEqual([[], 0]);
});

test("reset takes libvirt away again and leaves the volumes", async () => {
  const reset = await lab.apply("reset", {});
  expect(reset.errors).toEqual([]);
  expect(reset.hosts[0]!.kept.join("\n")).toContain("/srv/volumes (volumes)");
  const left = snapshotDifference(before, await snapshotHost(inside));
  // The packages are removed, not purged, since a purge may take VMs along: their settings and accounts outlive them.
  const settings =
    "etc/(apparmor.d|cron.daily/logrotate|default/virt|libnl-3|logrotate|sasl2|sgml|xml|systemd/system/(sockets|timers).target.wants)";
  const justified = new RegExp(
    `^[+] (file|[0-9a-f]{64} +) *${settings}|config-files$|srv/volumes|libvirt|qemu|swtpm|tss|polkit|dnsmasq|kvm|rdma|machined|session-|run-user|var/lib/(ucf|dbus|misc|sgml-base|machines|portables)|machines[.]target| etc/(passwd|group|shadow|gshadow|subuid|subgid)$`,
  );
  expect(left.filter((line) => !justified.test(line))).toEqual([]);
});

test("#53 the team file's address moves to the bridge, and is the one tried; another is taken back by the host itself", async () => {
  const { address } = lab.machines[0]!;
  const { gateway } = lab.lab;
  const addresses = () => inside("ip -o -4 addr show scope global | awk '{ print $2, $4 }'; ls /etc/systemd/network");
  await inside(`printf '[Match]\\nName=eth0\\n\\n[Network]\\nAddress=${address}/24\\nGateway=${gateway}\\n' >/etc/systemd/network/50-before.network
systemctl enable -q --now systemd-networkd`);
  const bridge = (cidr: string) =>
    bridgeOperations(
      { interface: "eth0", by: "networkd", file: "/etc/network/interfaces" },
      { name: "br0", address: cidr, gateway, resolvers: [gateway] },
    );
  const lost = await lab.apply("setup", { hypervisor: bridge("10.99.0.1/24") });
  expect(lost.errors.map(({ exit }) => exit)).toEqual([2]);
  expect(await addresses()).toBe(`eth0 ${address}/24\n50-before.network\n`);
  const moved = await lab.apply("setup", { hypervisor: bridge(`${address}/24`) });
  expect(moved.errors).toEqual([]);
  expect(await addresses()).toContain(`br0 ${address}/24\n`);
  expect((await lab.apply("setup", { hypervisor: bridge(`${address}/24`) })).changed).toBe(0);
  const reset = await lab.apply("reset", {});
  expect(reset.errors).toEqual([]);
  expect(await addresses()).toBe(`eth0 ${address}/24\n50-before.network\n`);
});

test("#53 where netplan's files are links, nothing is written to what they lead to, and a reset puts the links back", async () => {
  const gives = (what: string, file: string) =>
    `printf 'network:\n  version: 2\n  ethernets:\n    eth7: {${what}, optional: true}\n' >${file}`;
  await inside(`apt-get -qq update && apt-get -qq install -y --no-install-recommends python3-yaml >/dev/null
mkdir -p /etc/netplan/sites /srv/site; cd /etc/netplan
${gives("dhcp4: true", "/srv/site/net.yaml")}; ${gives("dhcp6: true", "/srv/site/other.yaml")}
${gives("addresses: [10.0.0.1/24]", "sites/here.yaml")}; ${gives("gateway4: 10.0.0.2", "30-plain.yaml")}
ln -s /srv/site/net.yaml 10-outside.yaml; ln -s sites/here.yaml 20-site.yaml; ln -s 30-plain.yaml 40-twin.yaml`);
  const targets = () => inside("cd /srv/site; tail -n +1 *.yaml /etc/netplan/sites/*");
  const listed = `cd /etc/netplan; stat -c '%N %a' *; tail -n +1 *.yaml; find /var/lib -path "*/olympus/netplan*"`;
  const all = async () => (await targets()) + (await inside(listed));
  const [led, as] = [await targets(), await all()];
  const network = { name: "br7", address: "10.99.0.1/24", gateway: "10.99.0.2", resolvers: [] };
  // Of the bridge only what its port is given: netplan itself asks udev, which no lab machine has.
  const port = bridgeOperations({ interface: "eth7", by: "netplan", file: "/etc/network/interfaces" }, network).filter(
    ({ id }) => id === "bridge-port",
  );
  const strip = async () => {
    expect((await lab.apply("setup", { hypervisor: port })).errors).toEqual([]);
    expect(await inside("grep -lE 'dhcp|addresses|gateway' /etc/netplan/*.yaml || :")).toBe("");
  };
  await strip();
  expect(await targets()).toBe(led);
  expect((await lab.apply("setup", { hypervisor: port })).changed).toBe(0);
  expect((await lab.apply("reset", {})).errors).toEqual([]);
  expect(await all()).toBe(as);
  // Links that somebody changes while the bridge stands, and a file in a link's place, are theirs.
  await strip();
  await inside("cd /etc/netplan; ln -sf /srv/site/other.yaml 10-outside.yaml; sed -i s/true/false/ 20-site.yaml");
  expect((await lab.apply("reset", {})).errors).toEqual([]);
  expect(await targets()).toBe(led);
  expect(await inside("cd /etc/netplan; readlink 10-outside.yaml 40-twin.yaml; tail -n 3 20-site.yaml")).toBe(
    "/srv/site/other.yaml\n30-plain.yaml\n      optional: false\n      addresses:\n      - 10.0.0.1/24\n",
  );
});

test("AppArmor's own parser takes the rule for overlays where libvirt's profile of a VM includes it", async () => {
  const rules = operations.filter(({ id }) => id.startsWith("apparmor"));
  expect((await lab.apply("setup", { hypervisor: rules })).errors).toEqual([]);
  // libvirt's files outlive its packages. What it makes of its template for a VM, without the VM's own disks.
  await inside(`apt-get -qq update && apt-get -qq install -y --no-install-recommends apparmor >/dev/null
sed -e 's/LIBVIRT_TEMPLATE/libvirt-probe/' /etc/apparmor.d/libvirt/TEMPLATE.qemu >/etc/apparmor.d/libvirt/libvirt-probe`);
  const parsed = (words: string) =>
    inside(
      `apparmor_parser ${words} --skip-kernel-load --skip-cache /etc/apparmor.d/libvirt/libvirt-probe 2>&1; echo " $?"`,
    );
  expect(await parsed("--preprocess")).toMatch(/^\/srv\/volumes\/\*\.image\.\* rk,$[\s\S]* 0\n$/m);
  expect(await parsed("")).toMatch(/ 0\n$/);
  // It does look at that line.
  await inside("sed -i 's/ rk,/ moon,/' /etc/apparmor.d/local/abstractions/libvirt-qemu");
  expect(await parsed("")).toMatch(/local\/abstractions\/libvirt-qemu[\s\S]* 1\n$/);
});
