import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

// The functions as a host runs them, as root, in folders of somebody who swaps things for links.

const kim = 65_534;
const root = process.getuid?.() === 0;
let base = "";
let home = "";
let etc = "";

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "olympus-paths-"));
  [home, etc] = [`${base}/home/kim`, `${base}/etc`];
  mkdirSync(`${home}/.ssh`, { recursive: true });
  mkdirSync(etc);
  mkdirSync(`${base}/J/saved`, { recursive: true });
  writeFileSync(`${etc}/shadow`, "precious\n", { mode: 0o640 });
  if (root) for (const path of [home, `${home}/.ssh`]) chownSync(path, kim, kim);
});

afterAll(() => rmSync(base, { recursive: true, force: true }));

function sh(script: string): { code: number | null; out: string } {
  const paths = ["prelude.sh", "journal.sh", "paths.sh", "system.sh"].map((name) =>
    readFileSync(join(import.meta.dirname, name), "utf8"),
  );
  const text = [`M=m R=${base} J=${base}/J B=${base}`, ...paths, `( set -eu\n${script}\n)`].join("\n");
  const { status, stdout, stderr } = spawnSync("sh", ["-c", text], { encoding: "utf8" });
  return { code: status, out: stdout + stderr };
}

const of = (path: string): string => {
  const { uid, mode } = statSync(path);
  return `${uid} ${(mode & 0o7777).toString(8)}`;
};

describe.runIf(root)("in somebody's folder", () => {
  it("files, folders, links and lines come about as elsewhere, and nothing else stays", () => {
    const answer = sh(`printf 'key\\n' >"$R/new"
folder ${home}/.config 0700 ${kim} ${kim}
put "$R/new" ${home}/.ssh/authorized_keys 0600 ${kim} ${kim}
add_line ${home}/.ssh/authorized_keys 'second key'
swap_line ${home}/.ssh/authorized_keys 'key' 'first key'
own ${home}/.ssh/authorized_keys 0640 ${kim} ${kim}
own ${home}/.ssh 0750 ${kim} ${kim}
relink .ssh ${home}/link
copy_out ${home}/.ssh/authorized_keys "$R/copy"
add_line ${home}/.ssh/new 'line'
drop_line ${home}/.ssh/new 'line'
take_away ${home}/link`);
    expect(answer).toEqual({ code: 0, out: "" });
    expect(readFileSync(`${home}/.ssh/authorized_keys`, "utf8")).toBe("first key\nsecond key\n");
    expect(readFileSync(`${base}/copy`, "utf8")).toBe("first key\nsecond key\n");
    expect([of(`${home}/.ssh/authorized_keys`), of(`${home}/.ssh`), of(`${home}/.config`)]).toEqual([
      `${kim} 640`,
      `${kim} 750`,
      `${kim} 700`,
    ]);
    expect(execFileSync("find", [home, "-printf", "%P\n"], { encoding: "utf8" }).trim().split("\n").sort()).toEqual(
      ["", ".config", ".ssh", ".ssh/authorized_keys", ".ssh/new"].filter((path) => path !== ""),
    );
  });

  it("a file swapped for a link changes nothing that it leads to, and gives nothing of it away", () => {
    const before = of(`${etc}/shadow`);
    symlinkSync(`${etc}/shadow`, `${home}/.ssh/swapped`);
    for (const script of [
      `own ${home}/.ssh/swapped 0666 ${kim} ${kim}`,
      `copy_out ${home}/.ssh/swapped "$R/leak"`,
      `add_line ${home}/.ssh/swapped 'mine'`,
      `drop_line ${home}/.ssh/swapped precious`,
    ]) {
      expect(sh(script), script).toMatchObject({ out: expect.stringContaining("is a link by now") });
    }
    expect(sh(`printf x >"$R/new"; put "$R/new" ${home}/.ssh/swapped 0600 ${kim} ${kim}`).code).toBe(0);
    expect([readFileSync(`${etc}/shadow`, "utf8"), of(`${etc}/shadow`)]).toEqual(["precious\n", before]);
    expect(readFileSync(`${home}/.ssh/swapped`, "utf8")).toBe("x");
  });

  it("a folder swapped for a link is not gone through, unless it leads to the owner's own", () => {
    const before = of(etc);
    symlinkSync(etc, `${home}/away`);
    for (const script of [
      `put "$R/new" ${home}/away/evil 0600 ${kim} ${kim}`,
      `own ${home}/away 0777 ${kim} ${kim}`,
      `folder ${home}/away/evil 0700 ${kim} ${kim}`,
      `relink /x ${home}/away/evil`,
      `own ${home}/away/shadow 0666 ${kim} ${kim}`,
      `take_tree ${home}/away/shadow`,
    ]) {
      expect(sh(script).code, script).not.toBe(0);
    }
    expect(sh(`take_away ${home}/away/shadow`)).toMatchObject({ code: 0, out: expect.stringContaining("m kept") });
    expect([of(etc), readFileSync(`${etc}/shadow`, "utf8")]).toEqual([before, "precious\n"]);
    symlinkSync(".ssh", `${home}/own`);
    expect(sh(`printf x >"$R/new"; put "$R/new" ${home}/own/there 0600 ${kim} ${kim}`)).toEqual({ code: 0, out: "" });
    expect(readFileSync(`${home}/.ssh/there`, "utf8")).toBe("x");
  });
});

it("a secret that an earlier run put there is not kept; one that stood there before is", () => {
  writeFileSync(`${base}/J/journal.jsonl`, `{"v":2,"resource":"path:/etc/ours","undo":{}}\n`);
  writeFileSync(`${base}/secret`, "old");
  sh(
    `keep_secret ${base}/secret aa '"resource":"path:/etc/ours"'; keep_secret ${base}/secret bb '"resource":"path:/etc/our"'`,
  );
  expect(execFileSync("ls", [`${base}/J/saved`], { encoding: "utf8" })).toBe("bb\n");
  expect(sh(`restore_secret "$J/saved/aa" /etc/ours 0600 root root`)).toEqual({
    code: 0,
    out: "m kept /etc/ours as it is: a secret of before is not brought back\n",
  });
});

it.runIf(root)(
  "of a file whose mode alone was changed, and no content saved, the mode comes back while the content is the same",
  () => {
    const file = `${base}/mode-only`;
    writeFileSync(file, "same\n", { mode: 0o600 });
    const saved = `"$J/saved/${createHash("sha256").update("same\n").digest("hex")}"`;
    expect(sh(`restore ${saved} ${file} 0644 0 0`)).toEqual({ code: 0, out: "" });
    expect(of(file)).toBe("0 644");
    writeFileSync(file, "other\n");
    expect(sh(`restore ${saved} ${file} 0600 0 0`)).toMatchObject({ code: 1, out: expect.stringContaining("is gone") });
  },
);
