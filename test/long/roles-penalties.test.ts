/** Role `hardening` where sshd gives penalties by itself (9.8 and later): Debian 13's, on a lab machine of Debian 12. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { generateSshKeyPair } from "../../secrets/ssh-keys.ts";
import { Secret } from "../../src/base/secret.ts";
import { connectSsh } from "../../src/ssh/connect.ts";
import type { SshTarget } from "../../src/ssh/connection.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";
import { changedTeam } from "../support/team.ts";

let lab: RoleLab;
let known: SshTarget;
let stranger: SshTarget;

beforeAll(async () => {
  lab = await openRoleLab(1);
  const { name, address, hostKey } = lab.machines[0]!;
  const privateKey = lab.secrets.require("ssh.deploy.private");
  known = { name, address, port: 22, user: "agent", hostKey, pinnedIn: "test", privateKey };
  stranger = { ...known, privateKey: new Secret("stranger", generateSshKeyPair("stranger").private) };
  await lab.inside(`set -e; export DEBIAN_FRONTEND=noninteractive
cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | sed -n 's/^\\(deb .*\\) bookworm main.*/\\1 trixie main/p' >/etc/apt/sources.list.d/trixie.list
printf 'Package: *\\nPin: release n=trixie\\nPin-Priority: 100\\n' >/etc/apt/preferences.d/trixie
apt-get -q update >/dev/null
apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-confold install -t trixie openssh-server >/dev/null
printf 'PerSourcePenalties authfail:600s min:15s\\n' >/etc/ssh/sshd_config.d/00-probe.conf
ip address add 10.98.0.9/32 dev lo; ip address add 10.99.0.9/32 dev lo
systemctl restart ssh`);
}, 900_000);
afterAll(async () => lab?.close());

/** What somebody with a wrong key is told. */
const refusal = async (target: SshTarget): Promise<string> => {
  const error = await connectSsh(target).then(
    () => undefined,
    (reason: unknown) => reason as { code: string; message: string },
  );
  return `${error?.code} ${error?.message}`;
};
const login = async (): Promise<string> => {
  const ssh = await connectSsh(known);
  const { stdout } = await ssh.exec("echo in");
  ssh.close();
  return stdout;
};

test("#7 without the role, this computer's failed logins close its own way, and it is told what that may be", async () => {
  expect(await lab.inside("ssh -V 2>&1")).toMatch(/OpenSSH_(9\.[89]|[1-9]\d)/);
  await expect.poll(() => refusal(stranger), { timeout: 120_000 }).toMatch(/^E-SSH-REFUSED .*a penalty or a ban\?/);
  expect(await refusal(known)).toMatch(/^E-SSH-REFUSED .*before the login/);
  await lab.inside("systemctl restart ssh");
  expect(await login()).toBe("in\n");
});

test("#7 with the role, people's networks are exempt from penalties, and strangers are not", async () => {
  const team = changedTeam(lab.team, (file) => {
    file.network.admin = [`${lab.lab.hostAddress}/32`, "10.98.0.0/24"];
  });
  // The other jail is not meant here.
  const roles = { hardening: { params: { ban: { failures: 1000 } } } };
  expect((await lab.apply("setup", roles, { team })).errors).toEqual([]);
  expect(await lab.inside("sshd -T | grep -i persourcepenaltyexemptlist")).toContain(lab.lab.hostAddress);
  for (let times = 0; times < 5; times += 1) expect(await refusal(stranger)).toMatch(/^E-SSH-AUTH /);
  expect(await login()).toBe("in\n");

  // One that offers no key has not tried to log in, and is not punished for it.
  await lab.inside("ssh-keygen -q -t ed25519 -N '' -f /srv/stranger");
  const fail = (from: string): Promise<string> =>
    lab.inside(
      `timeout 60 ssh -b ${from} -i /srv/stranger -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null nobody-knows@${known.address} true 2>&1 || :`,
    );
  await expect.poll(() => fail("10.99.0.9"), { timeout: 120_000 }).not.toContain("Permission denied");
  for (let times = 0; times < 3; times += 1) expect(await fail("10.98.0.9")).toContain("Permission denied");
  expect((await lab.apply("setup", roles, { team })).changed).toBe(0);
  expect((await lab.apply("reset", {}, { team })).errors).toEqual([]);
  expect(await lab.inside("sshd -T | grep -i persourcepenaltyexemptlist || echo none")).not.toContain(
    lab.lab.hostAddress,
  );
});
