import { describe, expect, it } from "vitest";
import { z } from "zod";
import { compileSetup, compileUndo } from "./apply-script.ts";
import type { JournalEntry } from "./change.ts";
import { diffLines } from "./diff.ts";
import { parseFacts } from "./fact-parse.ts";
import { factScript } from "./fact-script.ts";
import { type Facts, type HostState, knownAt, noFacts } from "./facts.ts";
import { claimsOf, readJournal, refuseNewer } from "./journal.ts";
import type { Operation } from "./operations.ts";
import { planHost, type RoleWish, requestsOf } from "./plan.ts";
import { planReset } from "./reset.ts";
import { defineRole, type Role } from "./types.ts";
import { wavesOf } from "./wishes.ts";

const state: HostState = {
  generation: "",
  pending: [],
  lock: undefined,
  claims: {},
  journal: [],
  allClaims: [],
  history: [],
  format: 0,
  epoch: 0,
};

describe("facts", () => {
  const answer = "\nm state\n1700000000\n\nm packages\njq\tinstalled\t1.6\nvim\tconfig-files\t9\n\nm end\n";

  it("are read from sections; packages that are not installed do not count", () => {
    expect(parseFacts(answer, "m").facts.packages).toEqual({ jq: "1.6" });
    expect(parseFacts(answer, "m").state.epoch).toBe(1_700_000_000);
  });

  it("are refused when the answer is cut short, wherever", () => {
    for (let length = 0; length < answer.length - 6; length += 1) {
      expect(() => parseFacts(answer.slice(0, length), "m")).toThrow("cut short");
    }
  });

  it("are asked for by one process a kind", () => {
    const operations: Operation[] = Array.from({ length: 20 }, (_, at) => [
      { kind: "file" as const, id: `f${at}`, path: `/etc/f${at}`, content: "x" },
      { kind: "package" as const, id: `p${at}`, names: [`p${at}`] },
      { kind: "unit" as const, id: `u${at}`, name: `u${at}.service`, enabled: true },
    ]).flat();
    const script = factScript(requestsOf([{ role: "r", operations }]), { marker: "m", roles: ["r"], journal: false });
    for (const program of ["stat --printf", "sha256sum ", "dpkg-query", "systemctl show"]) {
      expect(script.split(program).length - 1, program).toBe(1);
    }
  });

  it("know the room where something would lie", () => {
    const facts: Facts = { ...noFacts, space: { "/": 5, "/srv": 7 } };
    const free = (of: Facts, path: string) => knownAt(of.space, path)?.free;
    expect([free(facts, "/srv/a/b"), free(facts, "/opt/x"), free(noFacts, "/x")]).toEqual([7, 5, undefined]);
  });
});

/** Everything that is looked at by a command is as it should be. */
function answering(wishes: readonly RoleWish[]): Record<string, number> {
  const requests = requestsOf(wishes).filter((request) => request.fact === "command");
  return Object.fromEntries(requests.map(({ key }) => [key, 0]));
}

describe("a plan", () => {
  const file: Operation = { kind: "file", id: "f", path: "/f", content: "1", restarts: ["a.service"] };
  const wait: Operation = { kind: "wait", id: "w", url: "tcp://127.0.0.1:1" };

  it("ends each role with its restarts, then its waits; only real changes count", () => {
    const plan = planHost(
      [
        { role: "one", operations: [wait, file] },
        { role: "two", operations: [{ ...file, path: "/g", restarts: ["b.service"] }] },
      ],
      noFacts,
      state,
    );
    expect(plan.steps.map(({ role, change }) => `${role} ${change.summary}`)).toEqual([
      "one /f: create",
      "one restart a.service",
      "one wait for tcp://127.0.0.1:1",
      "two /g: create",
      "two restart b.service",
    ]);
    expect([plan.changes, plan.looked]).toEqual([2, 3]);
  });

  it("does not restart what it starts after the change", () => {
    const unit: Operation = { kind: "unit", id: "u", name: "a.service", running: true };
    const plan = planHost([{ role: "one", operations: [file, unit] }], noFacts, state);
    expect(plan.steps.map(({ change }) => change.summary)).toEqual(["/f: create", "a.service: start"]);
  });

  it("installs in one go what follows one another and differs in names alone", () => {
    const of = (id: string, names: string[], more: object = {}): Operation => ({ kind: "package", id, names, ...more });
    const operations = [
      of("a", ["jq", "git"]),
      of("b", ["git", "vim"]),
      of("held", ["cron"], { hold: true }),
      of("kept", ["bc"], { reset: "remove" }),
      of("pinned", ["at"], { versions: { at: "1" } }),
      of("c", ["tree"]),
      file,
      of("d", ["pv"]),
    ];
    const facts = { ...noFacts, packages: { git: "2" } };
    const { steps, looked, claims } = planHost([{ role: "one", operations }], facts, state);
    expect(steps.map(({ id, change }) => `${id}: ${change.summary}`)).toEqual([
      "a: install jq, vim",
      "held: install cron; hold cron",
      "kept: install bc",
      "pinned: /etc/apt/preferences.d/olympus-at: create; install at=1",
      "c: install tree",
      "f: /f: create",
      "d: install pv",
      "restarts: restart a.service",
    ]);
    expect(looked).toBe(operations.length);
    for (const name of ["jq", "git", "vim", "tree", "pv"]) expect(claims[0]!.claims).toContain(`package:${name}`);
  });

  it("pays the restarts that an interrupted run owes", () => {
    const plan = planHost([{ role: "one", operations: [] }], noFacts, { ...state, pending: ["a.service"] });
    expect([plan.steps.map(({ change }) => change.summary), plan.changes]).toEqual([["restart a.service"], 1]);
  });

  it("waits for what an interrupted run's restart concerns, whichever role restarts it", () => {
    const roles = [
      { role: "one", operations: [] },
      { role: "two", operations: [{ ...wait, unit: "a.service" } as Operation] },
      { role: "three", operations: [{ ...wait, unit: "b.service" } as Operation] },
    ];
    const facts = { ...noFacts, commands: answering(roles) };
    const plan = planHost(roles, facts, { ...state, pending: ["a.service"] });
    expect(plan.steps.map(({ role, change }) => `${role} ${change.summary}`)).toEqual([
      "one restart a.service",
      "two wait for tcp://127.0.0.1:1",
    ]);
    expect(plan.changes).toBe(1);
  });

  it("notes and saves before it changes, and writes no content into the script", () => {
    const facts: Facts = {
      ...noFacts,
      paths: {
        "/f": { type: "file", mode: "0644", owner: "root", group: "root", size: 1, sha256: "ab", content: "0" },
      },
    };
    const plan = planHost(
      [{ role: "one", operations: [{ ...file, content: "unmistakable" } as Operation] }],
      facts,
      state,
    );
    const { script, files } = compileSetup(plan, { run: "r1", who: "w", what: "x", generation: "", epoch: 0 })(
      new Map(),
    );
    expect(files).toEqual([{ path: "f/1/content", content: "unmistakable" }]);
    expect(script).not.toContain("unmistakable");
    const body = script.slice(script.indexOf("step_1()"));
    const order = ["keep_file /f ab", "j '", "notify a.service", "put "].map((word) => body.indexOf(word));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(order.every((at) => at > 0)).toBe(true);
  });
});

describe("a reset", () => {
  const entry = (role: string, path: string, more: Partial<JournalEntry> = {}): JournalEntry => ({
    v: 2,
    role,
    id: "x",
    run: "r0",
    resource: `path:${path}`,
    undo: { do: "path", path, before: { type: "absent" } },
    ...more,
  });

  it("undoes newest first, from the oldest entry of each thing", () => {
    const first = entry("a", "/x", { undo: { do: "path", path: "/x", before: { type: "file", sha256: "1" } } });
    const plan = planReset([first, entry("a", "/y"), entry("a", "/x"), entry("b", "/z")], [], ["a"], []);
    expect(plan.undo).toEqual([entry("a", "/y"), first]);
    expect(plan.rest).toEqual([entry("b", "/z")]);
  });

  it("leaves to another role what that claims, and keeps its packages", () => {
    const claims = [claimsOf("a", ["path:/x"]), claimsOf("b", ["path:/x", "package:jq"])];
    const plan = planReset([entry("a", "/x")], claims, ["a"], []);
    expect([plan.undo, plan.rest, plan.keepPackages]).toEqual([[], [entry("b", "/x")], ["jq"]]);
  });

  it("takes shared packages away with the last role that stands for them", () => {
    const undo = (names: string[]) => ({ do: "packages", names, list: "l", how: "purge" }) as const;
    const entries = [entry("a", "", { resource: "packages:git,gh", undo: undo(["git", "gh"]) })];
    const claims = [claimsOf("a", ["package:git", "package:gh"]), claimsOf("b", ["package:git"])];
    const first = planReset(entries, claims, ["a"], []);
    expect([first.undo.map((one) => one.undo), first.keepPackages]).toEqual([[undo(["gh"])], ["git"]]);
    expect(first.rest).toMatchObject([{ role: "b", undo: undo(["git"]) }]);
    const second = planReset(first.rest, claims.slice(1), ["b"], []);
    expect([second.undo.map((one) => one.undo), second.rest]).toEqual([[undo(["git"])], []]);
  });

  it("takes a path that two roles made away with the older one, whatever of its data goes", () => {
    const [older, newer] = [
      { ...entry("a", "/srv"), data: "databases" },
      { ...entry("b", "/srv"), data: "chat" },
    ];
    const between = entry("a", "/srv/databases");
    const plan = (purge: string[]) => planReset([older, between, newer], [], ["a", "b"], purge);
    expect(plan(["databases", "chat"])).toMatchObject({ undo: [between, older], keep: [], rest: [] });
    expect(plan(["chat"])).toMatchObject({ undo: [between], keep: [older], rest: [older] });
    // Only what is to go stands for it.
    expect(planReset([older, newer], [], ["b"], ["chat"])).toMatchObject({ undo: [newer], rest: [older] });
  });

  it("keeps data and its entries until it is purged", () => {
    const data = entry("a", "/srv", { data: "memory" });
    expect(planReset([data], [], ["a"], [])).toMatchObject({ undo: [], keep: [data], rest: [data] });
    expect(planReset([data], [], ["a"], ["memory"])).toMatchObject({ undo: [data], keep: [], rest: [] });
  });

  it("keeps who owns a database as long as that stays, and drops both in that order", () => {
    const of = (kind: "role" | "database"): JournalEntry => ({
      ...entry("a", ""),
      resource: `postgresql-${kind}:x`,
      undo: { do: `postgresql-${kind}`, name: "x" },
      ...(kind === "role" ? {} : { data: "rows" }),
    });
    const [owner, database, other] = [of("role"), of("database"), { ...of("role"), role: "b" }];
    const stays = planReset([entry("a", "/x"), owner, other, database], [], ["a", "b"], []);
    const owned = { ...owner, data: "rows" };
    expect([stays.undo, stays.keep, stays.rest]).toEqual([
      [other, entry("a", "/x")],
      [owned, database],
      [owned, database],
    ]);
    const goes = planReset(stays.rest, [], ["a"], ["rows"]);
    expect([goes.undo, goes.rest]).toEqual([[database, owned], []]);
  });

  it("purges packages that are otherwise only removed, once all of the role's data is purged", () => {
    const packages = entry("a", "", {
      resource: "packages:x",
      undo: { do: "packages", names: ["x"], list: "l", how: "remove" },
    });
    const data = entry("a", "/srv", { data: "memory" });
    const how = (purge: string[]) =>
      planReset([packages, data], [], ["a"], purge).undo.flatMap(({ undo }) =>
        undo.do === "packages" ? undo.how : [],
      );
    expect([how([]), how(["other"]), how(["memory"])]).toEqual([["remove"], ["remove"], ["purge"]]);
  });

  it("rewrites the journal as its last step", () => {
    const plan = planReset([entry("a", "/x"), entry("b", "/z")], [], ["a"], []);
    const { script, files } = compileUndo(
      plan,
      { forget: ["a"] },
      { run: "r", who: "w", what: "x", generation: "g", epoch: 0 },
    );
    expect(script.indexOf('rewrite_journal "$F"')).toBeGreaterThan(script.indexOf("take_away /x"));
    expect(files).toEqual([{ path: "f/2/journal", content: `${JSON.stringify(entry("b", "/z"))}\n` }]);
  });

  it("reads a journal whose last line a crash cut off, and refuses a newer format", () => {
    expect(readJournal([JSON.stringify(entry("a", "/x")), '{"v":1,"ro'], "athena")).toEqual([entry("a", "/x")]);
    expect(() => readJournal([JSON.stringify({ ...entry("a", "/x"), v: 3 })], "athena")).toThrow("newer format");
    expect(() => refuseNewer(3, "athena")).toThrow("newer format");
  });

  it("migrates a journal of the first format, which did not name its runs", () => {
    const { run: _, ...old } = { ...entry("a", "/x"), v: 1 };
    expect(readJournal([JSON.stringify(old)], "athena")).toEqual([{ ...entry("a", "/x"), run: "" }]);
  });
});

describe("hosts", () => {
  const role = (name: string, needs?: string): Role =>
    defineRole({
      name,
      summary: "",
      requires: needs === undefined ? [] : [{ role: needs, on: "team" }],
      params: z.strictObject({}),
      inputs: () => undefined,
      setup: () => [],
    });

  it("come after those that carry what they need; those that need one another go together", () => {
    const agents = [role("agent", "mattermost")];
    const waves = wavesOf(
      new Map([
        ["athena", agents],
        ["agora", [role("mattermost")]],
        ["hermes", agents],
      ]),
    );
    expect(waves).toEqual([["agora"], ["athena", "hermes"]]);
    expect(
      wavesOf(
        new Map([
          ["a", [role("x", "y")]],
          ["b", [role("y", "x")]],
        ]),
      ),
    ).toEqual([["a", "b"]]);
  });
});

describe("a diff", () => {
  it("shows what differs with two lines around it", () => {
    const text = (middle: string): string => `1\n2\n3\n4\n${middle}\n6\n7\n8\n9\n`;
    expect(diffLines(text("5"), text("five"))).toEqual(["@@ -3,5 +3,5 @@", " 3", " 4", "-5", "+five", " 6", " 7"]);
    const far = (first: string, last: string): string => `${first}\n2\n3\n4\n5\n6\n7\n${last}`;
    expect(diffLines(far("a\n", "z\n"), far("", ""))).toEqual([
      ...["@@ -1,3 +1,2 @@", "-a", " ", " 2"],
      ...["@@ -7,3 +6,2 @@", " 6", " 7", "-z"],
    ]);
    expect(diffLines("", "a\n")).toEqual(["+a"]);
    expect(diffLines("a\n", "")).toEqual(["-a"]);
    expect(diffLines("x\n".repeat(3000), "")).toEqual(["3000 -> 0 lines"]);
  });
});
