import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { tarball } from "../support/archives.ts";
import { devEnvOperations } from "../support/dev-env.ts";
import { operationExamples, operationOf, wantsMore } from "../support/documented-operations.ts";
import { snapshotDifference, snapshotHost } from "../support/host-snapshot.ts";
import { startPublisher, whole } from "../support/publisher.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

// Operations on git, pipx and PostgreSQL's settings, for real: made, not made twice, changed, what people did meanwhile, taken back.
let lab: RoleLab;
const repository = "/srv/source.git";

beforeAll(async () => {
  lab = await openRoleLab();
  await lab.inside(`export DEBIAN_FRONTEND=noninteractive; apt-get -q update
    apt-get -qy install --no-install-recommends git pipx python3-venv postgresql`);
});
afterAll(async () => lab.close());

// What a database server that runs writes by itself says nothing; its settings' file does.
const ofServer = /\bvar\/lib\/postgresql\/(?!.*postgresql\.auto\.conf)/;
const snapshot = async () =>
  (await snapshotHost((script) => lab.inside(script))).filter((line) => !ofServer.test(line));
const asAgent = (script: string) => lab.inside(`runuser -u agent -- sh -ec '${script}'`);
const messages = (result: { errors: readonly { message: string }[] }) => result.errors.map(({ message }) => message);

/** A bare repository of the agent's with three commits; the second changes what the third leaves alone. */
async function commits(): Promise<string[]> {
  const git = "git -c user.name=a -c user.email=a@b -C work";
  const text = await lab.inside(`rm -rf ${repository} /tmp/make; mkdir /tmp/make; cd /tmp/make
    git init -q -b main work
    for n in 1 2 3; do echo "$n" >"work/of-$n"; echo "$n" >work/same; ${git} add -A; ${git} commit -q -m "$n"; ${git} rev-parse HEAD; done
    git clone -q --bare work ${repository}; chown -R agent: ${repository}; rm -rf /tmp/make`);
  return text.trim().split("\n");
}

test("git: checked out for its owner, another commit, somebody's own change makes a switch fail and stays", async () => {
  const [first, second, third] = await commits();
  const before = await snapshot();
  const at = (commit: string | undefined): Operation[] => [
    { kind: "git", id: "source", path: "/srv/source", url: `file://${repository}`, commit: commit!, owner: "agent" },
  ];
  const head = () => asAgent('cd /srv/source; git rev-parse HEAD; ls | tr "\\n" " "; git status --short');
  expect(messages(await lab.apply("setup", at(first)))).toEqual([]);
  expect(await head()).toBe(`${first}\nof-1 same `);
  expect(await lab.inside("stat -c %U /srv/source /srv/source/.git/HEAD /srv/source/same")).toBe(
    "agent\nagent\nagent\n",
  );
  expect((await lab.apply("setup", at(first))).changed).toBe(0);

  const check = await lab.apply("check", at(second));
  expect(check.hosts[0]!.lines).toMatchObject([
    {
      summary: `/srv/source/: switch to ${second!.slice(0, 12)}`,
      diff: [`-${first}`, `+${second} of file://${repository}`],
    },
  ]);
  expect(messages(await lab.apply("setup", at(second)))).toEqual([]);
  expect(await head()).toBe(`${second}\nof-1 of-2 same `);

  await asAgent("echo theirs >/srv/source/same");
  const refused = await lab.apply("setup", at(third));
  expect(refused.errors).toMatchObject([{ code: "E-ROLE-APPLY", exit: 2 }]);
  expect(refused.errors[0]!.message).toMatch(/local changes[\s\S]*same/);
  expect(await head()).toBe(`${second}\nof-1 of-2 same  M same\n`);
  expect(await lab.inside("cat /srv/source/same")).toBe("theirs\n");

  // With somebody's changes in it, a reset leaves the checkout, and says so.
  const kept = await lab.apply("reset", {});
  expect([messages(kept), kept.hosts[0]!.kept]).toEqual([
    [],
    [expect.stringContaining("/srv/source: a checkout with changes that are not ours")],
  ]);
  expect(await lab.inside("cat /srv/source/same")).toBe("theirs\n");

  // Without them it goes, whatever commits it went through.
  await lab.inside("rm -rf /srv/source");
  for (const commit of [third, first]) expect(messages(await lab.apply("setup", at(commit)))).toEqual([]);
  expect(await head()).toBe(`${first}\nof-1 same `);
  expect(messages(await lab.apply("reset", {}))).toEqual([]);
  expect(snapshotDifference(before, await snapshot())).toEqual([]);
});

test("git: a repository that was there goes back to its branch; a folder without one, and a commit that is nowhere, are refused", async () => {
  const [first, second] = await commits();
  await lab.inside("mkdir -p /srv/theirs /srv/plain; chown agent: /srv/theirs; echo 1 >/srv/plain/1");
  await asAgent(`git clone -q file://${repository} /srv/theirs`);
  const before = await snapshot();
  const at = (path: string, commit: string): Operation[] => [
    { kind: "git", id: "source", path, url: `file://${repository}`, commit, owner: "agent" },
  ];
  const branch = () => asAgent("git -C /srv/theirs symbolic-ref -q --short HEAD || echo none");
  expect(await branch()).toBe("main\n");
  expect(messages(await lab.apply("setup", at("/srv/theirs", second!)))).toEqual([]);
  expect(messages(await lab.apply("setup", at("/srv/theirs", first!)))).toEqual([]);
  expect(await branch()).toBe("none\n");
  expect(messages(await lab.apply("reset", {}))).toEqual([]);
  expect(await branch()).toBe("main\n");
  // git's own notes of where it was, and its index with times, are not what anybody wished.
  const theirs = snapshotDifference(before, await snapshot()).filter(
    (line) => !/\.git\/(logs\/HEAD|index)\b/.test(line),
  );
  expect(theirs).toEqual([]);

  const folder = await lab.apply("setup", at("/srv/plain", first!));
  expect(messages(folder)).toEqual([expect.stringContaining("a folder without a git repository")]);
  const nowhere = await lab.apply("setup", at("/srv/new", `${"0".repeat(39)}1`));
  expect(nowhere.errors).toMatchObject([{ code: "E-ROLE-APPLY", exit: 2 }]);
  expect(await lab.inside("ls -A /srv")).toBe("plain\nsource.git\ntheirs\n");
  expect(messages(await lab.apply("reset", {}))).toEqual([]);
});

test("pipx: a program of one version, then another; a version that is nowhere leaves the one before; reset", async () => {
  const before = await snapshot();
  const of = (version: string): Operation[] => [{ kind: "pipx-package", id: "cowsay", name: "CowSay", version }];
  expect(messages(await lab.apply("setup", of("6.0")))).toEqual([]);
  expect(await asAgent("cowsay -t hello")).toContain("| hello |");
  const version = () =>
    lab.inside(
      "/opt/olympus/pipx/venvs/cowsay/bin/python -c 'import importlib.metadata as m; print(m.version(\"cowsay\"))'",
    );
  expect(await version()).toBe("6.0\n");
  expect((await lab.apply("setup", of("6.0"))).changed).toBe(0);

  const check = await lab.apply("check", of("6.1"));
  expect(check.hosts[0]!.lines).toMatchObject([{ summary: "Python program CowSay: 6.0 -> 6.1" }]);
  expect(messages(await lab.apply("setup", of("6.1")))).toEqual([]);
  expect(await version()).toBe("6.1\n");
  const nowhere = await lab.apply("setup", of("0.0.0.1"));
  expect(nowhere.errors).toMatchObject([{ code: "E-ROLE-APPLY", exit: 2 }]);
  expect(messages(nowhere)[0]).toContain("0.0.0.1");
  expect(await asAgent("cowsay -t still")).toContain("| still |");

  expect(messages(await lab.apply("reset", {}))).toEqual([]);
  expect(snapshotDifference(before, await snapshot())).toEqual([]);
});

test("PostgreSQL: a setting takes effect at once, another value, a list, what was set before comes back", async () => {
  const sql = (query: string) => lab.inside(`cd /; runuser -u postgres -- psql -AtXqc "${query}"`);
  await sql("alter system set maintenance_work_mem = '99MB'");
  await sql("select pg_reload_conf()");
  const before = await snapshot();
  const of = (memory: string, path: readonly string[]): Operation[] => [
    { kind: "postgresql-setting", id: "memory", name: "work_mem", value: memory },
    { kind: "postgresql-setting", id: "theirs", name: "maintenance_work_mem", value: "77MB" },
    { kind: "postgresql-setting", id: "path", name: "search_path", value: path },
  ];
  const shown = async () => [
    (await sql("show work_mem")).trim(),
    (await sql("show maintenance_work_mem")).trim(),
    (await sql("show search_path")).trim(),
  ];
  const asBefore = await shown();
  expect(messages(await lab.apply("setup", of("9MB", ["public", "my own"])))).toEqual([]);
  await expect.poll(shown).toEqual(["9MB", "77MB", 'public, "my own"']);
  expect((await lab.apply("setup", of("9MB", ["public", "my own"]))).changed).toBe(0);

  const check = await lab.apply("check", of("11MB", ["public"]));
  expect(check.hosts[0]!.lines.map(({ summary }) => summary)).toEqual([
    "database setting work_mem: 9MB -> 11MB",
    expect.stringMatching(/^database setting search_path: public, "?my own"? -> public$/),
  ]);
  expect(messages(await lab.apply("setup", of("11MB", ["public"])))).toEqual([]);
  await expect.poll(shown).toEqual(["11MB", "77MB", "public"]);

  await sql("alter system set work_mem = '5MB'");
  expect(messages(await lab.apply("setup", of("11MB", ["public"])))).toEqual([]);
  await expect.poll(shown).toEqual(["11MB", "77MB", "public"]);
  const wrong = await lab.apply("setup", of("much", ["public"]));
  expect(wrong.errors).toMatchObject([{ code: "E-ROLE-APPLY", exit: 2 }]);
  expect(messages(wrong)[0]).toContain("work_mem");

  expect(messages(await lab.apply("reset", {}))).toEqual([]);
  await expect.poll(shown).toEqual(asBefore);
  expect(snapshotDifference(before, await snapshot())).toEqual([]);
});

test("PostgreSQL: a role and a database that were there have their password and their owner again, data that came since stays", async () => {
  const sql = (query: string) => lab.inside(`cd /; runuser -u postgres -- psql -AtXqc "${query}"`);
  await sql("create role theirs login password 'before'");
  await sql("create role silent login");
  await sql("create database old owner theirs");
  const before = await snapshot();
  const verifiers = () =>
    sql("select rolname, rolpassword from pg_authid where rolname in ('theirs', 'silent') order by 1");
  const asBefore = await verifiers();
  const of = (password: string): Operation[] => [
    { kind: "postgresql-role", id: "new", name: "new", password: new Secret("new", password) },
    { kind: "postgresql-role", id: "theirs", name: "theirs", password: new Secret("theirs", password) },
    { kind: "postgresql-role", id: "silent", name: "silent", password: new Secret("silent", password) },
    { kind: "postgresql-database", id: "old", name: "old", owner: "new", data: "rows" },
  ];
  const login = (name: string, password: string) =>
    lab.inside(`cd /; PGPASSWORD=${password} psql -h 127.0.0.1 -U ${name} -AtXqc 'select 1' old || echo refused`);
  // Gone back from, and set up again: what stood there is kept once more, though the role stood for it all the time.
  expect(messages(await lab.apply("setup", of("first")))).toEqual([]);
  expect(messages(await lab.apply("rollback", {}))).toEqual([]);
  expect(await verifiers()).toBe(asBefore);
  // Changed twice: what comes back is what stood before the first time.
  for (const password of ["first", "second"]) expect(messages(await lab.apply("setup", of(password)))).toEqual([]);
  expect([await login("theirs", "second"), await login("theirs", "before")]).toEqual(["1\n", "refused\n"]);
  expect(await sql("select pg_get_userbyid(datdba) from pg_database where datname = 'old'")).toBe("new\n");
  expect((await lab.apply("setup", of("second"))).changed).toBe(0);
  expect(messages(await lab.apply("reset", {}))).toEqual([]);
  expect(await verifiers()).toBe(asBefore);
  expect([await login("theirs", "before"), await login("theirs", "second")]).toEqual(["1\n", "refused\n"]);
  expect(snapshotDifference(before, await snapshot())).toEqual([]);
  expect(await lab.inside("ls /var/lib/olympus/journal/saved 2>/dev/null || true")).toBe("");
});

test("the examples of the page that want a server or something to fetch, as they stand there: made, not made twice, taken back", async () => {
  const [commit] = await commits();
  const archive = tarball({ "x-1.2/bin/tool": "#!/bin/sh\necho tool of 1.2\n" });
  await using publisher = await startPublisher(lab.lab.hostAddress);
  publisher.routes.set("/x-1.2.tar.gz", [whole(archive)]);
  const left = {
    sha256: createHash("sha256").update(archive).digest("hex"),
    commit,
    password: new Secret("postgresql.x", "not-a-word"),
  };
  /** What no page can know. */
  const filled = (text: string): string =>
    text
      .replace("https://example.org/x-1.2.tar.gz", `${publisher.url}/x-1.2.tar.gz`)
      .replace("https://example.org/x.git", `file://${repository}`);
  const examples = operationExamples()
    .filter(([kind]) => wantsMore(kind))
    .map(([, text]) => operationOf(filled(text), left));
  expect(examples.map(({ kind }) => kind).sort()).toEqual([
    ...["download", "git", "npm-package", "pipx-package"],
    ...["postgresql-database", "postgresql-role", "postgresql-setting"],
  ]);
  const node = { "dev-env": await devEnvOperations(lab, { tools: ["node"], source: "registries" }) };
  expect(messages(await lab.apply("setup", node))).toEqual([]);
  // Where Debian has its own.
  await lab.inside(`useradd x; chown -R x: ${repository}; ln -s "$(command -v node)" "$(command -v npm)" /usr/bin/`);
  const before = await snapshot();

  const roles = { ...node, probe: examples };
  expect(messages(await lab.apply("setup", roles))).toEqual([]);
  expect((await lab.apply("check", roles)).hosts[0]!.state).toBe("as-wished");
  const sql = (query: string) => `cd /; PGPASSWORD=not-a-word psql -h 127.0.0.1 -U x -AtXqc "${query}" x`;
  expect(
    await lab.inside(`cd /; /opt/x-1.2/bin/tool; runuser -u x -- git -C /srv/x rev-parse HEAD
      cdk --version | cut -d' ' -f1; ruff --version; ${sql("create table t (n int); show work_mem")}`),
  ).toBe(`tool of 1.2\n${commit}\n2.1.0\nruff 0.6.0\n8MB\n`);

  const reset = await lab.apply("reset", roles, { roles: ["probe"] });
  expect(messages(reset)).toEqual([]);
  expect(reset.hosts[0]!.kept.join("\n")).toMatch(/database x/);
  expect(await lab.inside(sql("select count(*) from t"))).toBe("0\n");
  const purged = await lab.apply("reset", roles, { roles: ["probe"], purge: ["rows"] });
  expect(messages(purged)).toEqual([]);
  // The copy that was made of the database first.
  const theirs = (line: string) => !line.includes("var/backups/olympus");
  expect(snapshotDifference(before, await snapshot()).filter(theirs)).toEqual([]);
});
