/** The chat's role over an install made by hand: taken over, upgraded, rolled back, reset. Numbers are those of the study's scenarios. */
import { get } from "node:https";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentReporter } from "../../src/base/report.ts";
import { type RotateContext, rotationOf, runRotation } from "../../src/rotate/index.ts";
import { toolchain } from "../../src/toolchain/index.ts";
import { chatAccount, postFile } from "../support/chat-account.ts";
import { snapshotDifference, snapshotHost } from "../support/host-snapshot.ts";
import { type PackedRelease, type ReleaseServer, serveReleases } from "../support/releases.ts";
import { openRoleCommand } from "../support/role-command.ts";
import { openRoleLab, type RoleLab, type RoleTexts } from "../support/role-lab.ts";

let lab: RoleLab;
let server: ReleaseServer;
let [first, second, sick]: PackedRelease[] = [];
let byHand: string[];

/** Breaks the database and never answers. The journal notes a program's arguments with what it prints, so the password is not among them. */
const sickServer = `#!/bin/sh
rest="\${MM_SQLSETTINGS_DATASOURCE#*://*:}"
PGPASSWORD="\${rest%%@*}" psql -h 127.0.0.1 -U mattermost -d mattermost -c 'drop table by_hand'
exec sleep infinity
`;

beforeAll(async () => {
  lab = await openRoleLab(2);
  server = await serveReleases(lab.lab.hostAddress);
  const program = toolchain().mattermost;
  first = server.pack("1.0.0", program, { "about.txt": "first\n" });
  second = server.pack("1.1.0", program, { "about.txt": "second\n" });
  sick = server.pack("2.0.0", undefined, { "bin/mattermost": sickServer });
});
afterAll(async () => Promise.all([lab?.close(), server?.close()]));

const roles = (release: PackedRelease, more: object = {}) =>
  ({ base: "real", postgresql: "real", mattermost: { params: { release, ...more } } }) as const;
const url = () => `http://${lab.machines[0]!.address}:8065`;
const current = () => lab.inside("cat /opt/mattermost/current/about.txt");
const sql = (query: string) => lab.inside(`runuser -u postgres -- psql -AtX -d mattermost -c "${query}"`);

const account = () => chatAccount(url(), lab.secrets);

async function teams(): Promise<string[]> {
  const found = await (await account()).told<{ name: string }[]>("/teams");
  return found.map(({ name }) => name).sort();
}

async function makeTeam(name: string): Promise<void> {
  await (await account()).told("/teams", { name, display_name: name, type: "O" });
}

/** The release that runs, whatever the link says by now. */
const serving = () =>
  lab.inside("exe=$(readlink /proc/$(systemctl show -P MainPID mattermost)/exe); cat $(dirname $exe)/../about.txt");
const databases = async () =>
  (
    await lab.inside(
      "runuser -u postgres -- psql -AtXc \"select datname from pg_database where datname like 'mattermost%'\"",
    )
  )
    .split("\n")
    .filter(Boolean)
    .sort();

test("#35 a tarball that is cut short or another one is fetched once more, then refused with both hashes, and nothing of it stays", async () => {
  const ground = await lab.apply("setup", { base: "real", postgresql: "real" });
  expect(ground.errors).toEqual([]);
  await lab.inside(`set -e
useradd --system --user-group mattermost
install -d /opt/mattermost/bin /opt/mattermost/config /opt/mattermost/data/20250101
echo 'a photo' >/opt/mattermost/data/20250101/photo.txt
echo '{"FileSettings":{"PublicLinkSalt":"saltsaltsaltsaltsaltsaltsaltsalt"}}' >/opt/mattermost/config/config.json
chown -R mattermost: /opt/mattermost/data /opt/mattermost/config
printf '[Service]\\nUser=mattermost\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/mattermost.service
systemctl daemon-reload; systemctl -q enable --now mattermost
cd /; runuser -u postgres -- psql -Xq -c "create role mmuser login password 'by-hand'" -c 'create database mattermost owner mmuser'
runuser -u postgres -- psql -Xq -d mattermost -c 'create table by_hand as select 42 as answer' -c 'alter table by_hand owner to mmuser'`);
  byHand = await snapshotHost((script) => lab.inside(script));

  const other = { ...first!, sha256: "0".repeat(64) };
  const refused = await lab.apply("setup", roles(other));
  expect(refused.errors.map(({ exit }) => exit)).toEqual([2]);
  expect(refused.errors[0]!.message).toContain(other.sha256);
  expect(refused.errors[0]!.message).toContain(first!.sha256);
  const cut = await lab.apply("setup", roles(server.truncated(first!)));
  expect(cut.errors[0]!.message).toContain(first!.sha256);
  // Each once, and once again.
  const [asked, half] = ["GET /1.0.0.tar", "GET /half-1.0.0.tar"];
  expect(server.requests).toEqual([asked, asked, half, half]);
  expect(await lab.inside("ls -A /opt/mattermost/releases; systemctl is-active mattermost")).toBe("active\n");
});

test("an install by hand is taken over with files, configuration and database; it works, and a second run changes nothing", async () => {
  const setup = await lab.apply("setup", roles(first!));
  expect(setup.errors).toEqual([]);
  expect(await teams()).toEqual([]);
  expect(await current()).toBe("first\n");
  const taken = "/srv/olympus/mattermost";
  expect(await lab.inside(`cat ${taken}/files/20250101/photo.txt; stat -c %U ${taken}/files/20250101`)).toBe(
    "a photo\nmattermost\n",
  );
  expect(await lab.inside(`grep -c saltsaltsaltsalt ${taken}/config.json`)).toBe("1\n");
  expect(await sql("select tableowner from pg_tables where tablename = 'by_hand'")).toBe("mattermost\n");
  const again = await lab.apply("setup", roles(first!));
  expect([again.errors, again.changed]).toEqual([[], 0]);
});

test("#37 a release that does not become healthy gives way to the one before, with its database", async () => {
  await makeTeam("kept");
  const result = await lab.apply("setup", roles(sick!, { upgradeTimeout: 8 }));
  expect(result.errors.map(({ exit }) => exit)).toEqual([2]);
  expect(result.errors[0]!.message).toMatch(/did not answer within 8 s: release \w+ and its database are back/);
  expect([await current(), await teams()]).toEqual(["first\n", ["kept"]]);
  expect(await sql("select answer from by_hand")).toBe("42\n");
  expect(await lab.inside("ls /var/backups/olympus | grep -c 'upgrade$' || true")).toBe("0\n");
});

test("#37 an upgrade that was killed half-way goes back when its release is no longer wished", async () => {
  const running = lab.apply("setup", roles(sick!, { upgradeTimeout: 900 }));
  const gone = "runuser -u postgres -- psql -AtX -d mattermost -c 'select 1 from by_hand' 2>/dev/null || echo gone";
  await lab.inside(
    `cd /; for i in $(seq 600); do if [ "$(${gone})" = gone ]; then break; fi; sleep 0.5; done; systemctl kill -s KILL 'olympus-apply-*'`,
  );
  expect((await running).errors).toHaveLength(1);
  // The settings of before cannot be written at first: it does not go on without them.
  const folder = "/srv/olympus/mattermost";
  const settings = `${folder}/config.json`;
  await lab.inside(`echo '{}' >${settings}; mount --bind ${folder} ${folder} && mount -o remount,ro,bind ${folder}`);
  const full = await lab.apply("setup", roles(first!));
  await lab.inside(`umount ${folder}`);
  expect(full.errors.map(({ message }) => message).join()).toContain("does not answer either: its database is in");
  const back = await lab.apply("setup", roles(first!));
  expect(back.errors).toEqual([]);
  expect(await lab.inside(`stat -c '%a %U' ${settings}; grep -c saltsaltsaltsalt ${settings}`)).toBe(
    "600 mattermost\n1\n",
  );
  expect([await current(), await teams()]).toEqual(["first\n", ["kept"]]);
  expect(await sql("select answer from by_hand")).toBe("42\n");
  // Nobody can say any more whether the release served in between: its database is kept beside.
  const [live, aside, ...others] = await databases();
  expect([live, others]).toEqual(["mattermost", []]);
  expect(back.hosts[0]!.kept.join("\n")).toContain(`database ${aside}`);
  await lab.inside(`runuser -u postgres -- dropdb ${aside}; rm -f /var/backups/olympus/${aside}.json`);
});

test("#37 an upgrade that was killed once the new release served: what people write since stays, whatever is wished next", async () => {
  const running = lab.apply("setup", roles(second!));
  await lab.inside(
    `for i in $(seq 6000); do if [ "$(readlink /opt/mattermost/current)" = releases/${second!.sha256.slice(0, 16)} ]; then break; fi; sleep 0.02; done; systemctl kill -s KILL 'olympus-apply-*'; systemctl start mattermost`,
  );
  expect((await running).errors).toHaveLength(1);
  await makeTeam("since");
  const next = await lab.apply("setup", roles(first!));
  expect(next.errors).toEqual([]);
  expect([await current(), await serving(), await teams()]).toEqual(["first\n", "first\n", ["kept", "since"]]);
  expect(await databases()).toEqual(["mattermost"]);
});

test("#37 an upgrade that was cut off before the switch begins anew: the release of before has served since", async () => {
  await lab.inside("mount --bind /opt/mattermost /opt/mattermost && mount -o remount,ro,bind /opt/mattermost");
  const cut = await lab.apply("setup", roles(second!));
  await lab.inside("umount /opt/mattermost; systemctl start mattermost");
  expect(cut.errors).toHaveLength(1);
  await makeTeam("later");
  const again = await lab.apply("setup", roles(second!));
  expect(again.errors).toEqual([]);
  expect([await serving(), await teams()]).toEqual(["second\n", ["kept", "later", "since"]]);
  const newest = "$(ls -1 /var/backups/olympus/*-mattermost-upgrade.dump | tail -n 1)";
  expect(await lab.inside(`pg_restore -f - -a -t teams ${newest} | grep -c later`)).toBe("1\n");
  expect((await lab.apply("setup", roles(first!))).errors).toEqual([]);
});

test("#37 a way back that was cut off at its very end is not gone again: the release of before has served since", async () => {
  const [before, after] = [first!, second!].map(({ sha256 }) => sha256.slice(0, 16));
  await lab.inside(
    `cd /var/backups/olympus; echo "old=${before} to=${after} dump=$PWD/$(ls | grep upgrade.dump | head -n 1) phase=back" >mattermost-upgrade`,
  );
  expect((await lab.apply("setup", roles(first!))).errors).toEqual([]);
  expect([await serving(), await teams()]).toEqual(["first\n", ["kept", "later", "since"]]);
  expect(await databases()).toEqual(["mattermost"]);
});

test("a sound release takes the place of the one before, which stays for going back", async () => {
  const upgrade = await lab.apply("setup", roles(second!));
  expect(upgrade.errors).toEqual([]);
  expect(upgrade.hosts[0]!.kept.join("\n")).toMatch(/database as \w+ left it: \/var\/backups\/olympus\/.*\.dump/);
  expect([await current(), await teams()]).toEqual(["second\n", ["kept", "later", "since"]]);
  expect((await lab.inside("ls /opt/mattermost/releases | wc -l")).trim()).toBe("2");
  expect(await lab.inside("stat -c %a /var/backups/olympus/*-mattermost-upgrade.dump | sort -u")).toBe("600\n");
  const again = await lab.apply("setup", roles(second!));
  expect([again.errors, again.changed]).toEqual([[], 0]);
});

test("a post and its file are backed up to another machine, destroyed, and come back by the command; the chat is stopped meanwhile", async () => {
  const [source, store] = lab.machines.map(({ name }) => name) as [string, string];
  const wish: RoleTexts = { ...roles(second!), backup: { params: { to: store } } };
  const others: RoleTexts = { base: "real", backup: "real" };
  expect((await lab.apply("setup", wish, { hosts: [source, store], others })).errors).toEqual([]);
  const chat = await account();
  const said = { message: "the minutes are here", content: "what was agreed" };
  const { post, file } = await postFile(chat, { team: "kept", ...said });
  const command = await openRoleCommand(lab, { [source]: `{ backup: { to: ${store} } }`, [store]: "{ backup: {} }" });
  expect(await command.run("backup", "now", source)).toMatchObject({ code: 0 });

  await lab.inside("rm -r /srv/olympus/mattermost/files");
  await sql("drop table posts, fileinfo cascade");
  expect([(await chat.ask(post)).ok, (await chat.ask(file)).ok]).toEqual([false, false]);
  const pid = () => lab.inside("systemctl is-active mattermost; systemctl show -P MainPID mattermost");
  const before = await pid();
  expect(await command.run("backup", "restore", source, "--confirm", source)).toMatchObject({ code: 0 });
  const whole = async () => {
    const again = await account();
    const back = await again.told<{ message: string; file_ids: string[] }>(post);
    expect([back.message, `/files/${back.file_ids[0]}`]).toEqual([said.message, file]);
    expect(await (await again.ask(file)).text()).toBe(said.content);
  };
  await whole();
  const after = await pid();
  expect([after.startsWith("active\n"), after === before]).toEqual([true, false]);

  // One that fails in the middle, with the database in place and the files not, leaves the chat as it was, and serving.
  await lab.inside("mount --bind /srv/olympus/mattermost /srv/olympus/mattermost");
  const failed = await command.run("backup", "restore", source, "--confirm", source);
  await lab.inside("umount /srv/olympus/mattermost");
  expect(failed).toMatchObject({ code: 2, stderr: expect.stringContaining("nothing was changed") });
  expect(await pid()).toMatch(/^active\n/);
  await whole();
  const again = await lab.apply("setup", wish, { others });
  expect([again.errors, again.changed]).toEqual([[], 0]);
  expect((await lab.apply("reset", wish, { roles: ["backup"], others })).errors).toEqual([]);
  const [, aside] = await databases();
  await lab.inside(`runuser -u postgres -- dropdb ${aside}; rm -r /srv/olympus/mattermost.before-*`);
});

/** A new authority by the command's own way; nobody's harness runs here. */
async function rotateAuthority(wish: RoleTexts): Promise<void> {
  // The other machine keeps the backups, and nothing else.
  const machines = lab.team.machines
    .slice(0, 1)
    .map((one) => ({ ...one, roles: { base: {}, mattermost: { tls: "team-ca" } } }));
  const context: RotateContext = {
    team: { ...lab.team, machines },
    secrets: lab.secrets,
    reporter: silentReporter(),
    signal: AbortSignal.timeout(600_000),
    chatUrl: url().replace("http:", "https:"),
    async apply(role) {
      if (role === "agent") return;
      const { errors } = await lab.apply("setup", wish, { roles: [role] });
      if (errors[0] !== undefined) throw errors[0];
    },
  };
  const rotation = rotationOf("tls.authority", context, () => Promise.reject(new Error("nobody is asked")));
  await runRotation(rotation, context);
}

test("by a certificate of the team's own authority, who trusts that reaches the chat, and nobody else", async () => {
  const wish = roles(second!, { tls: "team-ca" });
  const setup = await lab.apply("setup", wish);
  expect(setup.errors).toEqual([]);
  const ask = (ca?: string): Promise<string> =>
    new Promise((done) => {
      const at = `${url().replace("http:", "https:")}/api/v4/system/ping`;
      get(at, { ...(ca !== undefined && { ca }) }, (response) => {
        response.resume();
        done(String(response.statusCode));
      }).on("error", ({ message }) => done(message));
    });
  expect(await ask(lab.secrets.require("tls.authority.certificate").reveal())).toBe("200");
  expect(await ask()).toMatch(/unable to verify|self.signed/);
  // The machine's own store trusts it: programs there need no setting.
  expect(await lab.inside("curl -fsS https://$(hostname):8065/api/v4/system/ping")).toContain("OK");
  const key = lab.secrets.require("tls.chat.key").reveal().split("\n")[1]!;
  expect(await lab.inside(`grep -rlF ${key} /etc /run/systemd /var/log 2>/dev/null || true`)).toBe(
    "/etc/olympus/secrets/mattermost-tls.key\n",
  );
  const again = await lab.apply("setup", wish);
  expect([again.errors, again.changed]).toEqual([[], 0]);

  const [old, shown] = [
    lab.secrets.require("tls.authority.certificate").reveal(),
    lab.secrets.require("tls.chat.certificate").reveal(),
  ];
  await rotateAuthority(wish);
  const now = lab.secrets.require("tls.authority.certificate").reveal();
  expect([await ask(now), await ask(old)]).toEqual(["200", expect.stringMatching(/unable to verify/)]);
  expect(await lab.inside("curl -fsS https://$(hostname):8065/api/v4/system/ping")).toContain("OK");
  // Also for those who look an authority up in the folder, by its name.
  const verify = (file: string) => lab.inside(`openssl verify -no-CAfile -CApath /etc/ssl/certs ${file} 2>&1 || true`);
  expect(await verify("/etc/olympus/mattermost.crt")).toBe("/etc/olympus/mattermost.crt: OK\n");
  await lab.inside(`echo '${shown}' >/tmp/before.crt`);
  expect(await verify("/tmp/before.crt")).toContain("unable to get local issuer certificate");
  expect(
    await lab.inside("rm /tmp/before.crt; ls /usr/local/share/ca-certificates /etc/ssl/certs | grep olympus-"),
  ).toBe("olympus-team.pem\nolympus-team.crt\n");
  const settled = await lab.apply("setup", wish);
  expect([settled.errors, settled.changed]).toEqual([[], 0]);

  expect((await lab.apply("setup", roles(second!))).errors).toEqual([]);
  expect(await teams()).toEqual(["kept", "later", "since"]);
});

test("reset gives the install by hand back; the chat's data stays", async () => {
  const reset = await lab.apply("reset", roles(second!), { roles: ["mattermost"] });
  expect(reset.errors).toEqual([]);
  const left = snapshotDifference(byHand, await snapshotHost((script) => lab.inside(script)));
  const data = /^[+-] (file srv\/olympus|[0-9a-f]{64} +srv\/olympus)/;
  expect(left.filter((line) => !data.test(line))).toEqual([]);
  // The server of before has its login, its own table, and what the other one wrote since.
  const asBefore = (query: string) =>
    lab.inside(`cd /; PGPASSWORD=by-hand psql -h 127.0.0.1 -U mmuser -AtXqc "${query}" mattermost`);
  expect(await asBefore("insert into by_hand values (43); select sum(answer) from by_hand")).toBe("85\n");
  expect(await asBefore("select name from teams order by 1")).toBe("kept\nlater\nsince\n");
  expect(await asBefore("select distinct tableowner from pg_tables where schemaname = 'public'")).toBe("mmuser\n");
});
