/** People come and go, the machine speaks their language, keeps the time and updates itself; reset gives everything back. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { generateSshKeyPair } from "../../secrets/ssh-keys.ts";
import { Secret } from "../../src/base/secret.ts";
import { connectSsh } from "../../src/ssh/connect.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { snapshotDifference, snapshotHost } from "../support/host-snapshot.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";
import { changedTeam } from "../support/team.ts";

let lab: RoleLab;
let before: string[];
const { public: line, private: key } = generateSshKeyPair("mara@desk");
const base = {
  base: {
    params: { locale: "de_DE.UTF-8", timeServers: ["10.231.0.1"], upgrades: { what: "security", restartAt: "04:00" } },
  },
} as const;

const person = (admin: boolean) => ({
  email: "mara@example.org",
  keys: [line],
  admin,
  command: false,
  approve: [],
});
const withPeople = (people: Record<string, boolean>): LoadedTeam =>
  changedTeam(lab.team, (file) => {
    file.people = Object.fromEntries(Object.entries(people).map(([name, admin]) => [name, person(admin)]));
    file.defaults.timezone = "Europe/Berlin";
  });

async function say(user: string, command: string): Promise<string> {
  const { name, address, hostKey } = lab.machines[0]!;
  const target = { name, address, port: 22, user, hostKey, pinnedIn: "test", privateKey: new Secret("key", key) };
  const ssh = await connectSsh(target);
  const { stdout } = await ssh.exec(command);
  ssh.close();
  return stdout;
}

beforeAll(async () => {
  lab = await openRoleLab(1);
  // The lab masks what would only disturb.
  await lab.inside(
    "systemctl -q unmask apt-daily.timer apt-daily-upgrade.timer; systemctl -q disable apt-daily.timer apt-daily-upgrade.timer",
  );
  before = await snapshotHost((script) => lab.inside(script));
});
afterAll(async () => lab?.close());

test("set up, people log in with their keys, admins have sudo, and everything is as wished", async () => {
  const setup = await lab.apply("setup", base, { team: withPeople({ mara: true, kim: false }) });
  expect(setup.errors).toEqual([]);
  expect(await say("mara", "whoami; sudo -n whoami 2>&1")).toBe("mara\nroot\n");
  expect(await say("kim", "whoami; sudo -n whoami 2>&1")).toMatch(/^kim\nsudo: a password is required/);
  expect(await lab.inside("visudo -c >/dev/null && echo sound")).toBe("sound\n");
  // What a program in that language says, and the time there.
  expect(await lab.inside(". /etc/default/locale; LANG=$LANG locale day | cut -d';' -f2; date +%Z")).toMatch(
    /^Montag\nCES?T\n$/,
  );
  expect(await lab.inside("systemd-analyze cat-config systemd/timesyncd.conf | grep '^NTP='")).toBe("NTP=10.231.0.1\n");
  expect(
    await lab.inside(
      "systemctl is-enabled systemd-timesyncd apt-daily-upgrade.timer; systemctl is-active apt-daily-upgrade.timer",
    ),
  ).toBe("enabled\nenabled\nactive\n");
  const upgrades = await lab.inside(
    "unattended-upgrade --dry-run --debug 2>&1 | grep -i 'allowed origins'; apt-config dump Unattended-Upgrade::Automatic-Reboot-Time",
  );
  expect(upgrades).toMatch(/Allowed origins are: .*bookworm-security/);
  expect(upgrades).not.toMatch(/bookworm,|bookworm-updates/);
  expect(upgrades).toContain('"04:00"');
  const again = await lab.apply("setup", base, { team: withPeople({ mara: true, kim: false }) });
  expect([again.errors, again.changed]).toEqual([[], 0]);
});

test("who leaves the team is gone with the next setup; their files stay; who is no admin any more has no sudo", async () => {
  await lab.inside("echo draft >/home/kim/draft; chown kim: /home/kim/draft");
  const check = await lab.apply("check", base, { team: withPeople({ mara: false }) });
  const summaries = check.hosts[0]!.lines.map(({ summary }) => summary).join("\n");
  expect(summaries).toContain("no longer wished: user kim: remove");
  expect(summaries).toContain("no longer wished: remove /etc/sudoers.d/olympus-mara");
  const setup = await lab.apply("setup", base, { team: withPeople({ mara: false }) });
  expect(setup.errors).toEqual([]);
  await expect(say("kim", "true")).rejects.toMatchObject({ exit: 4 });
  expect(await lab.inside("getent passwd kim || echo gone; cat /home/kim/draft")).toBe("gone\ndraft\n");
  expect(setup.hosts[0]!.kept.join("\n")).toContain("/home/kim");
  expect(await say("mara", "sudo -n whoami 2>&1 || true")).toContain("password is required");
  await lab.inside("rm -r /home/kim");
});

test("an authority is trusted while the team file names it", async () => {
  const { makeAuthority, makeServerCertificate } = await import("../../secrets/authority.ts");
  const authorities = { here: makeAuthority("Here").certificate, there: makeAuthority("There").certificate };
  const params = base.base.params;
  const team = withPeople({ mara: false });
  const trusted = () =>
    lab.inside(
      'for one in here there; do f=/usr/local/share/ca-certificates/olympus-$one.crt; if [ -f $f ] && grep -qF "$(sed -n 2p $f)" /etc/ssl/certs/ca-certificates.crt; then echo $one; fi; done; ls /etc/ssl/certs | grep -c olympus- || true',
    );
  expect((await lab.apply("setup", { base: { params: { ...params, authorities } } }, { team })).errors).toEqual([]);
  expect(await trusted()).toBe("here\nthere\n2\n");
  const one = { base: { params: { ...params, authorities: { here: authorities.here } } } };
  expect((await lab.apply("setup", one, { team })).errors).toEqual([]);
  expect(await trusted()).toBe("here\n1\n");
  // Another one under the same name: in the same run, and for those who look it up by its own name too, whatever leads nowhere there.
  await lab.inside("ln -s /nowhere.pem /etc/ssl/certs/nowhere.pem");
  const moved = makeAuthority("Elsewhere");
  const other = { base: { params: { ...params, authorities: { here: moved.certificate } } } };
  expect((await lab.apply("setup", other, { team })).errors).toEqual([]);
  expect(await trusted()).toBe("here\n1\n");
  const { certificate } = makeServerCertificate(moved, [], ["elsewhere.example"]);
  const script = (more: string) => `echo '${certificate}' | openssl verify ${more} 2>&1`;
  expect(await lab.inside(script("-no-CAfile -CApath /etc/ssl/certs"))).toContain("OK");
  expect(await lab.inside(script("-no-CApath -CAfile /etc/ssl/certs/ca-certificates.crt"))).toContain("OK");
});

test("reset gives the machine back", async () => {
  const reset = await lab.apply("reset", base, { team: withPeople({ mara: false }) });
  expect(reset.errors).toEqual([]);
  const left = snapshotDifference(before, await snapshotHost((script) => lab.inside(script)));
  // A package's own account outlives it, as Debian wants it, and so does the registry of its questions' answers.
  const justified = /systemd-timesync|var\/lib\/ucf\/| etc\/(passwd|group|shadow|gshadow)"?$/;
  expect(left.filter((line) => !justified.test(line))).toEqual([]);
});
