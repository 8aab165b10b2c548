/** A hypervisor's bridge by netplan, on a VM: netplan asks udev, which no lab machine has. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bridgeOperations } from "../../roles/hypervisor/bridge.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { olympus, olympusOk } from "../support/olympus.ts";
import { type OneMachineLab, openOneMachineLab } from "../support/one-machine.ts";

let lab: OneMachineLab;
/** The folder of a role of the team's own, whose operations each test writes. */
let role: string;
/** The interface's settings as Ubuntu's installer or cloud-init leave them, beside those of another one. */
let settings: string;
const file = "/etc/netplan/50-cloud-init.yaml";
const inGuest = (command: string): Promise<string> => lab.inGuest(command);
const run = (action: string) => olympus(["role", action, "probe", "--host", "athena", "--yes"]);
const addresses = () => inGuest("ip -o -4 addr show scope global | awk '{ print $2, $4 }'");
const asBefore = async () =>
  expect([
    await addresses(),
    await inGuest(`sudo cat ${file}; sudo ls /etc/netplan; sudo find /var/lib/olympus -name "netplan*"`),
  ]).toEqual([`eth0 ${lab.guest}/24`, `${settings}50-cloud-init.yaml`]);

function wish(address: string): void {
  const network = { name: "br0", address, gateway: lab.gateway, resolvers: [lab.gateway] };
  const operations = bridgeOperations({ interface: "eth0", by: "netplan", file: "/etc/network/interfaces" }, network);
  writeFileSync(join(role, "operations.json"), JSON.stringify(operations));
}

beforeAll(async () => {
  lab = await openOneMachineLab();
  role = join(dirname(lab.teamFile), "roles/probe");
  mkdirSync(role, { recursive: true });
  const support = join(projectRoot, "test/support/file-role.ts");
  writeFileSync(
    join(role, "role.ts"),
    `import { fileRole } from ${JSON.stringify(support)};\nexport const role = fileRole(import.meta.dirname);\n`,
  );
  lab.edit(["agents", "athena", "roles"], { probe: {} });
  await olympusOk(["up"]);
  const mac = await inGuest("cat /sys/class/net/eth0/address");
  settings = `# Of the installer.
network:
    version: 2
    ethernets:
        eth0:
            match: {macaddress: "${mac}"}
            set-name: eth0
            addresses: ["${lab.guest}/24"]
            routes: [{to: default, via: ${lab.gateway}}]
            nameservers: {addresses: [${lab.gateway}]}
        eth9: {dhcp4: true, optional: true, macaddress: 52:54:00:12:34:56}
`;
  // What cloud-init wrote for Debian's own ways goes; the address is the same, so that the connection stays.
  await inGuest(`sudo sh -ec '
apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qq install -y netplan.io >/dev/null
echo "network: {config: disabled}" >/etc/cloud/cloud.cfg.d/99-no-network.cfg
echo ${Buffer.from(settings).toString("base64")} | base64 -d >${file}; chmod 600 ${file}
rm -f /etc/systemd/network/*.network /etc/network/interfaces.d/*
systemctl enable -q systemd-networkd; netplan generate; setsid netplan apply >/dev/null 2>&1 </dev/null'`);
  await asBefore();
});
afterAll(() => lab?.close());

test("#53 a bridge with an address that nobody comes in by: the host itself takes it back, netplan's files byte for byte", async () => {
  wish("10.99.0.1/24");
  const lost = await run("setup");
  expect([lost.code, lost.stderr]).toEqual([2, expect.stringContaining("E-ROLE-ACCESS")]);
  await asBefore();
});

test("#53 the address moves to the bridge and leaves the interface, whichever file gave it; it stays so over a restart", async () => {
  wish(`${lab.guest}/24`);
  expect((await run("setup")).code).toBe(0);
  const moved = `br0 ${lab.guest}/24`;
  expect(await addresses()).toBe(moved);
  // What is none of the address's stays; to YAML 1.1, that MAC would be a number.
  expect(await inGuest(`sudo grep -cE 'set-name: eth0|eth9|dhcp4: true|macaddress: 52:54:00:12:34:56' ${file}`)).toBe(
    "4",
  );
  expect((await run("check")).code).toBe(0);
  await olympusOk(["restart", "athena", "--yes"]);
  expect(await addresses()).toBe(moved);
  expect((await run("check")).code).toBe(0);
});

test("#53 a reset gives the interface its address back, and netplan's file as it was", async () => {
  expect((await run("reset")).code).toBe(0);
  await asBefore();
});

test("#53 what is given to the interface while the bridge stands is taken out too, and what it had first comes back with it", async () => {
  wish(`${lab.guest}/24`);
  expect((await run("setup")).code).toBe(0);
  await inGuest(`sudo sed -Ei 's/^( *)set-name: eth0/&\\n\\1dhcp6: true/' ${file}`);
  expect((await run("check")).code).toBe(3);
  expect((await run("setup")).code).toBe(0);
  expect((await run("reset")).code).toBe(0);
  expect(await addresses()).toBe(`eth0 ${lab.guest}/24`);
  expect(await inGuest(`sudo grep -c 'dhcp6: true' ${file}`)).toBe("1");
});
