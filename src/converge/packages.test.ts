import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

// Whose a package is, by the functions that a host runs, with a played apt: its packages are lines `NAME auto|manual` of a file.

let base = "";
const programs = {
  "apt-mark": `case $1 in
  show*) sed -n "s/ \${1#show}$//p" "$S" ;;
  *) how=$1; shift; for name in "$@"; do sed -i "s/^$name .*/$name $how/" "$S"; done ;;
esac`,
  // Nothing needs anything: what is marked as come along is free to go.
  "apt-get": `sed -n 's/^\\(.*\\) auto$/Remv \\1 [1]/p' "$S"`,
};
const played = `export S="$R/status" PATH="$R/bin:$PATH"
installed() { sed 's/ .*//' "$S" | sort -u; }
get_packages() { eval "$apt"; }
wait_for_apt() { :; }
mend_dpkg() { set_up -a; }
set_up() { printf 'set up %s, %s\n' "$*" "$started" >>"$R/set-up"; }
unfinished() { for one in $half; do echo "$one"; done; }
started=started half=
no_starts() { started="not started"; }
starts_again() { started=started; }
apt_get() { shift; for name in "$@"; do sed -i "/^$name /d" "$S"; done; }
put() { printf '%s\\n' "$@" >>"$S"; }`;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "olympus-packages-"));
  for (const folder of ["J/saved", "bin"]) mkdirSync(`${base}/${folder}`, { recursive: true });
  writeFileSync(`${base}/status`, "base manual\n");
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(`${base}/bin/${name}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function sh(script: string): void {
  const functions = ["prelude.sh", "journal.sh"].map((name) => readFileSync(join(import.meta.dirname, name), "utf8"));
  const text = [`M=m R=${base} J=${base}/J B=${base}`, ...functions, played, script].join("\n");
  const { status, stderr } = spawnSync("sh", ["-c", text], { encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
}

/** One try of a run: jq is missing, and apt does `apt`. */
const setup = (apt: string): void => sh(`apt=${quoted(apt)}; ( set -eu; keep_packages l; install_packages l jq ); :`);
/** A run that was killed when apt had done this. */
const killed = (apt: string): void => sh(`( set -eu; keep_packages l ); ${apt}`);
const reset = (): string[] => {
  sh("( set -eu; remove_packages purge l '' jq )");
  return readFileSync(`${base}/status`, "utf8").trimEnd().split("\n").sort();
};
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const theirs = "put 'nginx manual' 'nginx-common auto'";
const ours = "put 'jq manual' 'libjq auto'";

it("what somebody installed after a try that failed is theirs, with what came along", () => {
  setup("return 1");
  sh(theirs);
  setup(ours);
  expect(reset()).toEqual(["base manual", "nginx manual", "nginx-common auto"]);
});

it("what half came in a try that failed is ours", () => {
  setup("put 'libjq auto'; return 1");
  sh(theirs);
  setup("put 'jq manual'");
  expect(reset()).toEqual(["base manual", "nginx manual", "nginx-common auto"]);
});

it("what came before a run was killed is ours; what somebody asked for since is theirs", () => {
  killed("put 'libjq auto'");
  sh("put 'nginx manual'");
  setup("put 'jq manual'");
  expect(reset()).toEqual(["base manual", "nginx manual"]);
});

it("also when the run was killed after all had come, and by lists of earlier releases", () => {
  killed(ours);
  sh("put 'nginx manual'");
  writeFileSync(`${base}/J/saved/l.made`, "jq\nlibjq\nnginx\n");
  expect(reset()).toEqual(["base manual", "nginx manual"]);
});

it("what somebody took away and a later run brought back is ours, and nothing that came in between", () => {
  setup(ours);
  sh(`apt_get purge jq; ${theirs}`);
  setup("put 'jq manual'");
  expect(reset()).toEqual(["base manual", "nginx manual", "nginx-common auto"]);
});

it("what a metapackage brought is ours, though apt has it as asked for", () => {
  setup("put 'jq manual' 'jq-all manual'");
  expect(readFileSync(`${base}/status`, "utf8")).toContain("jq manual\njq-all auto\n");
  expect(reset()).toEqual(["base manual"]);
});

it("what was left by half is not started when it is to go, and is when it is others'", () => {
  const mended = (half: string): string[] => {
    rmSync(`${base}/set-up`, { force: true });
    setup(ours);
    sh(`${theirs}; half='${half}'; ( set -eu; remove_packages purge l '' jq )`);
    return readFileSync(`${base}/set-up`, "utf8").trimEnd().split("\n");
  };
  expect(mended("jq libjq")[0]).toBe("set up -a, not started");
  expect(mended("jq nginx")).toEqual(["set up jq, not started", "set up -a, started"]);
  expect(mended("nginx")[1]).toBe("set up -a, started");
});
