import { afterAll, beforeAll, expect, test } from "vitest";
import { snapshotDifference, snapshotHost } from "../support/host-snapshot.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";
import { changedTeam } from "../support/team.ts";

// The role hardening on a machine with a real sshd and a real fail2ban: what it keeps out, and that people stay in.
let lab: RoleLab;
let team: RoleLab["team"];
let address: string;
let before: string[];

const snapshot = (): Promise<string[]> => snapshotHost((script) => lab.inside(script));
const effective = (): Promise<string> =>
  lab.inside("sshd -T | grep -E '^(passwordauthentication|permitrootlogin|allowusers)' | sort");
const kernel = (): Promise<string> =>
  lab.inside("sysctl -a 2>/dev/null | grep -E '^net.ipv4.(conf.(all|default)|tcp_sync|icmp)' | sort");
const roles = (sshd: Record<string, string> = {}) => ({ hardening: { params: { sshd } } });
const apply = (action: "setup" | "check" | "reset", sshd?: Record<string, string>) =>
  lab.apply(action, roles(sshd), { team });

/** One failing login, from an address of the machine's own. */
const fail = (from: string): string =>
  `timeout 60 ssh -b ${from} -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=10 nobody-knows@${address} true 2>&1`;

beforeAll(async () => {
  lab = await openRoleLab();
  address = lab.machines[0]!.address;
  team = changedTeam(lab.team, (file) => {
    file.network.admin = [`${lab.lab.hostAddress}/32`, "10.98.0.0/24"];
  });
  // As most images come: passwords are good.
  await lab.inside(
    "cd /etc/ssh/sshd_config.d; sed s/no$/yes/ 10-lab.conf >50-image.conf; rm 10-lab.conf; systemctl restart ssh",
  );
  // Somebody of the team at 10.98.0.9, a stranger at 10.99.0.9.
  await lab.inside("ip address add 10.98.0.9/32 dev lo; ip address add 10.99.0.9/32 dev lo");
  before = [...(await snapshot()), await effective(), await kernel()];
});
afterAll(async () => lab.close());

test("keys alone let in; the second setup changes nothing", async () => {
  const setup = await apply("setup");
  expect(setup.errors).toEqual([]);
  expect((await apply("setup")).changed).toBe(0);
  expect(await effective()).toBe("passwordauthentication no\npermitrootlogin no\n");
  expect(await lab.inside(`${fail("10.98.0.9")} || true`)).toContain("Permission denied (publickey)");
  expect(await lab.inside("cat /proc/sys/net/ipv4/conf/all/send_redirects /proc/sys/net/ipv4/tcp_syncookies")).toBe(
    "0\n1\n",
  );
});

test("#7 a stranger who fails to log in is shut out, people's networks never are", async () => {
  await lab.inside(`for n in 1 2 3 4 5 6 7; do ${fail("10.98.0.9")}; ${fail("10.99.0.9")}; done || true`);
  await lab.inside(
    `for n in $(seq 300); do if fail2ban-client get sshd banip | grep -q 10.99.0.9; then exit 0; fi; sleep 0.2; done; fail2ban-client status sshd; exit 1`,
  );
  expect(await lab.inside("fail2ban-client get sshd banip")).not.toContain("10.98.0.9");
  expect(await lab.inside(`${fail("10.99.0.9")} || true`)).not.toContain("Permission denied");
  expect(await lab.inside(`${fail("10.98.0.9")} || true`)).toContain("Permission denied");
  await lab.inside("fail2ban-client unban --all");
});

test("#28 a setting that sshd does not know never reaches it", async () => {
  const refused = await apply("setup", { PermitRootLogon: "no" });
  expect(refused.errors[0]).toMatchObject({ code: "E-ROLE-APPLY", exit: 2 });
  expect(refused.errors[0]!.message).toMatch(/Bad configuration option: PermitRootLogon/);
  expect(await lab.inside("sshd -t; cat /etc/ssh/sshd_config.d/05-hardening.conf")).not.toContain("Logon");
  expect((await apply("check")).hosts[0]!.state).toBe("as-wished");
});

test("#29 settings that lock everybody out are taken back by the host", async () => {
  const locked = await apply("setup", { AllowUsers: "somebody-else" });
  expect(locked.errors[0]).toMatchObject({ code: "E-ROLE-ACCESS", exit: 2 });
  expect(await effective()).not.toContain("allowusers");
  const check = await apply("check");
  expect([check.errors, check.hosts[0]!.state]).toEqual([[], "as-wished"]);
});

test("#43 reset gives back what was, and people still get in", async () => {
  expect((await apply("reset")).errors).toEqual([]);
  expect(snapshotDifference(before, [...(await snapshot()), await effective(), await kernel()])).toEqual([]);
  expect(await lab.inside(`${fail("10.98.0.9")} || true`)).toContain("Permission denied (publickey,password)");
  expect((await apply("check")).errors).toEqual([]);
});
