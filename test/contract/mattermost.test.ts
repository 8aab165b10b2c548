import { afterAll, beforeAll, expect, test } from "vitest";
import { silentReporter } from "../../src/base/report.ts";
import { chatClient } from "../../src/bootstrap/client.ts";
import { bootstrap } from "../../src/bootstrap/index.ts";
import { projectCatalogue } from "../../src/converge/catalogue.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

/** Packages come from an archive, 100 MB of server over SSH: half a minute alone on two cores, minutes beside other work. */
const patience = 600_000;

let lab: RoleLab;

beforeAll(async () => {
  lab = await openRoleLab(1);
});

afterAll(async () => {
  await lab?.close();
});

/** The real roles on a lab machine with systemd: packages from the network, the server over SSH. */
async function apply(action: "setup" | "check" | "reset") {
  const roles = { base: [], postgresql: [], mattermost: [] };
  const result = await lab.apply(action, roles, { catalogue: projectCatalogue() });
  expect(result.errors).toEqual([]);
  return result;
}

const chat = () => `http://${lab.machines[0]!.address}:8065`;

async function fill(): Promise<number> {
  const { team, secrets } = lab;
  const signal = new AbortController().signal;
  return (await bootstrap({ team, secrets, reporter: silentReporter(), signal, url: chat() })).changed;
}

test("a machine with nothing on it becomes the team's chat; again: nothing changes", {
  timeout: patience,
}, async () => {
  const { changed } = await apply("setup");
  expect(changed).toBeGreaterThan(10);
  expect((await apply("check")).changed).toBe(0);
  expect(await fill()).toBeGreaterThan(5);
  expect(await fill()).toBe(0);
});

test("secrets are in no argument list, no unit and no file that others can read", async () => {
  const password = lab.secrets.require("postgresql.mattermost").reveal();
  const seen = await lab.inside(
    `cat /proc/[0-9]*/cmdline | tr '\\0' '\\n'; systemctl show mattermost.service; find /etc /var/log -type f -perm /0044 -size -200k -exec cat {} +; journalctl -o cat`,
  );
  expect(seen).not.toContain(password);
  expect(await lab.inside("stat -c '%a %U' /etc/olympus/secrets/mattermost.env")).toBe("600 root\n");
});

test("the chat survives a restart of its database, and both come back after a crash", async () => {
  await lab.inside("systemctl restart postgresql@15-olympus.service");
  expect(await fill()).toBe(0);
  await lab.inside("systemctl kill -s KILL mattermost.service");
  expect(await fill()).toBe(0);
});

test("after a reset nothing of the roles is left but the data; set up again, the chat is what it was", {
  timeout: patience,
}, async () => {
  await apply("reset");
  const left = await lab.inside(
    "ls -d /opt/mattermost /etc/postgresql/15/olympus /etc/systemd/system/mattermost.service 2>/dev/null; getent passwd mattermost; ss -Hltn 'sport = :8065 or sport = :5432'; true",
  );
  expect(left).toBe("");
  // As on a new root disk: the users have other numbers now.
  await lab.inside("useradd --system taken-number-1; useradd --system taken-number-2");
  await apply("setup");
  expect(await fill()).toBe(0);
  const me = await chatClient(chat(), lab.secrets.require("mattermost.bots.athena.token").reveal()).getMe();
  expect(me.username).toBe("athena");
});
