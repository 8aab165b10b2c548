import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

// How a host notes what a reset needs, by the functions that it runs.

let base = "";
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "olympus-note-"));
  for (const folder of ["claims", "saved"]) mkdirSync(`${base}/J/${folder}`, { recursive: true });
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function sh(script: string): { status: number | null; signal: string | null; stdout: string } {
  const functions = ["journal.sh", "paths.sh", "postgresql.sh"].map((name) =>
    readFileSync(join(import.meta.dirname, name), "utf8"),
  );
  const text = [`R=${base} J=${base}/J B=${base}`, ...functions, script].join("\n");
  const { status, signal, stdout, stderr } = spawnSync("sh", ["-c", text], { encoding: "utf8" });
  expect(stderr).toBe("");
  return { status, signal, stdout };
}

it("has both the content and the name on disk before it is over", () => {
  const { stdout } = sh(`sync() { echo "sync $1"; }; mv() { echo "mv $2 $3"; command mv "$@"; }
echo x | note "$J/saved/list"`);
  expect(stdout.replaceAll(base, "")).toBe("sync /J/.new\nmv /J/.new /J/saved/list\nsync /J/saved\n");
  expect(readFileSync(`${base}/J/saved/list`, "utf8")).toBe("x\n");
});

it("killed in the middle, leaves no claim of a role that nobody could give up", () => {
  expect(sh(`sync() { kill -9 $$; exit 1; }; claim base '{"role":"base"}'`).signal).toBe("SIGKILL");
  expect(readdirSync(`${base}/J/claims`)).toEqual([]);
  sh(`claim base '{"role":"base"}'; unclaim base`);
  expect([readdirSync(`${base}/J/claims`), readdirSync(`${base}/J/saved`)]).toEqual([[], []]);
});

it("keeps what opened a database's role, unless the password is ours: by the journal, or by a claim of an earlier release", () => {
  const claims = (...names: string[]) => `claim app '{"claims":${JSON.stringify(names)}}'; : >"$J/journal.jsonl"`;
  const kept = (before: string): string[] => {
    rmSync(`${base}/J/saved`, { recursive: true });
    mkdirSync(`${base}/J/saved`);
    sh(`postgres_sql() { echo SCRAM-SHA-256; }; ${before}; keep_verifier app sum`);
    return readdirSync(`${base}/J/saved`);
  };
  expect(kept(': >"$J/journal.jsonl"')).toEqual(["sum"]);
  // What a rollback leaves.
  expect(kept(claims("postgresql-role:app", "postgresql-password:app"))).toEqual(["sum"]);
  expect(kept(claims("postgresql-role:app"))).toEqual([]);
  expect(kept(`echo '{"resource":"postgresql-role:app"}' >"$J/journal.jsonl"`)).toEqual([]);
  expect(kept(`echo '{"resource":"postgresql-password:app","undo":"other"}' >"$J/journal.jsonl"`)).toEqual([]);
});
