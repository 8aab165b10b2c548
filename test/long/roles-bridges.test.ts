/** The hypervisor's bridge by ifupdown (by netplan: roles-netplan.test.ts), and a change that leaves IPv6 alone. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { bridgeOperations } from "../../roles/hypervisor/bridge.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

let lab: RoleLab;
const inside = (script: string) => lab.inside(script);
const interfaces = "/etc/network/interfaces";

beforeAll(async () => {
  lab = await openRoleLab(1);
  const { address } = lab.machines[0]!;
  await inside(`printf '[Match]\\nName=eth0\\n\\n[Network]\\nAddress=${address}/24\\nGateway=${lab.lab.gateway}\\n' >/etc/systemd/network/50-before.network
systemctl enable -q --now systemd-networkd; mkdir -p /etc/network
# An address that networkd did not give, it does not take away either.
ip addr flush dev eth0 scope global; networkctl reload; networkctl reconfigure eth0
timeout 60 sh -c "until ip -o -4 addr show dev eth0 | grep -q ' ${address}/24 ' && ip route | grep -q ^default; do sleep 0.1; done"`);
});
afterAll(async () => lab?.close());

test("#53 a change that leaves the host with IPv6 alone, by which nobody comes in, is taken back by the host itself", async () => {
  const six = "ip -o -6 addr show dev eth0 | grep -q fd00:53::7";
  const reload = "networkctl reload && networkctl reconfigure eth0";
  const path = "/etc/systemd/network/40-six.network";
  const lost = await lab.apply("setup", [
    {
      kind: "command",
      id: "before",
      summary: "as before",
      check: `[ -f ${path} ]`,
      apply: ":",
      undo: reload,
      access: true,
    },
    {
      kind: "file",
      id: "six",
      path,
      content: "[Match]\nName=eth0\n\n[Network]\nAddress=fd00:53::7/64\n",
      access: true,
    },
    {
      kind: "command",
      id: "up",
      summary: "IPv6",
      check: six,
      apply: `${reload}; wait_for 30 '' IPv6 '${six}'`,
      access: true,
    },
  ]);
  expect(lost.errors.map(({ code, exit }) => [code, exit])).toEqual([["E-ROLE-ACCESS", 2]]);
  expect(
    await inside(`ls ${path} 2>/dev/null || echo none; ip -o -4 addr show dev eth0 scope global | awk '{ print $4 }'`),
  ).toBe(`none\n${lab.machines[0]!.address}/24\n`);
  expect((await lab.apply("reset", {})).errors).toEqual([]);
});

test("#53 with ifupdown the address moves to the bridge, and back at a reset; the file is as it was", async () => {
  const { address } = lab.machines[0]!;
  const { gateway } = lab.lab;
  const text = `source /etc/network/interfaces.d/*\n\nauto lo eth0\niface lo inet loopback\niface eth0 inet static\n    address ${address}/24\n    gateway ${gateway}\n`;
  await inside(`systemctl disable -q --now systemd-networkd.socket systemd-networkd; rm /etc/systemd/network/50-before.network
apt-get -q update >/dev/null; DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install ifupdown >/dev/null
printf '%b' '${text.replaceAll("\n", "\\n")}' >${interfaces}`);
  const addresses = () => inside(`ip -o -4 addr show scope global | awk '{ print $2, $4 }'; cat ${interfaces}`);
  const bridge = bridgeOperations(
    { interface: "eth0", by: "ifupdown", file: interfaces },
    { name: "br0", address: `${address}/24`, gateway, resolvers: [gateway] },
  );
  const moved = await lab.apply("setup", { hypervisor: bridge });
  expect(moved.errors).toEqual([]);
  expect(await addresses()).toBe(`br0 ${address}/24\n${text.replace("eth0 inet static", "eth0 inet manual")}`);
  expect((await lab.apply("setup", { hypervisor: bridge })).changed).toBe(0);
  expect((await lab.apply("reset", {})).errors).toEqual([]);
  expect(await addresses()).toBe(`eth0 ${address}/24\n${text}`);
});
