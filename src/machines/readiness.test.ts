import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { seedApplied } from "../converge/places.ts";
import { type Answer, judge, parseAnswer, question } from "./readiness.ts";

const expected = { generation: "g1", seed: "s1" };
const good: Answer = { cloudInit: "done", machine: { generation: "g1", seed: "s1" }, data: true, behind: false };

describe("judge", () => {
  it.each<[string, Partial<Answer>]>([
    ["cloud-init is done", {}],
    ["cloud-init stayed away, since this seed was applied before", { cloudInit: "disabled" }],
  ])("is content when %s", (_, change) => {
    expect(() => judge("athena", { ...good, ...change }, expected)).not.toThrow();
  });

  it.each<[string, Partial<Answer>, string]>([
    ["cloud-init failed", { cloudInit: "error" }, "E-READY-CLOUDINIT"],
    ["there is no cloud-init", { cloudInit: "" }, "E-READY-CLOUDINIT"],
    ["another root answers", { machine: { generation: "g0", seed: "s1" } }, "E-READY-GENERATION"],
    ["another seed was applied", { machine: { generation: "g1", seed: "s0" } }, "E-READY-GENERATION"],
    ["a stranger answers", { machine: {} }, "E-READY-GENERATION"],
    ["the data disk is missing", { data: false }, "E-READY-DATA"],
  ])("says so when %s", (_, change, code) => {
    expect(() => judge("athena", { ...good, ...change }, expected)).toThrow(expect.objectContaining({ code }));
  });
});

describe("parseAnswer", () => {
  it("reads status, machine file and data disk", () => {
    expect(parseAnswer('done\n{"generation":"g1","seed":"s1"}\n\n---\nolympus-data\n')).toEqual(good);
    expect(parseAnswer('disabled\n{\n "generation": "g1"\n}\n\n---\nnone\n')).toEqual({
      cloudInit: "disabled",
      machine: { generation: "g1" },
      data: false,
      behind: false,
    });
  });

  it.each([
    ["fills its disk", 10485760, 1310720, false],
    ["ends a group of blocks before it does", 10485760 + 8192, 1310720, false],
    ["did not follow its disk", 10485760, 1048576, true],
  ])("reads whether the file system %s", (_what, sectors, blocks, behind) => {
    expect(parseAnswer(`done\n{}\n---\nolympus-data\n${sectors}\n${blocks}\n4096\n`)).toMatchObject({
      data: true,
      behind,
    });
  });

  it.each(["", '{"generation":"g'])(
    "takes a machine file that a power cut left as %j for one that says nothing",
    (text) => {
      expect(parseAnswer(`done\n${text}\n---\nolympus-data\n`)).toEqual({ ...good, machine: {} });
    },
  );
});

describe("what a machine is asked", () => {
  /** The answer of this computer, with these programs in the place of its own. */
  const answered = (programs: Record<string, string>): Answer => {
    const folder = mkdtempSync(join(tmpdir(), "olympus-readiness-"));
    try {
      for (const [name, body] of Object.entries(programs)) {
        writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
      }
      const env = { PATH: `${folder}:${process.env.PATH}` };
      const asked = question.replace(seedApplied, join(folder, "seed-applied"));
      return parseAnswer(execFileSync("sh", ["-c", asked], { env, encoding: "utf8" }));
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  it("takes our own word that the seed was applied before: cloud-init's is gone once systemd reloaded", () => {
    const init = 'echo "status: not run"';
    expect(answered({ "seed-applied": "", "cloud-init": init }).cloudInit).toBe("disabled");
    expect(answered({ "cloud-init": init }).cloudInit).toBe("not run");
  });

  const sudo = 'shift; exec "$@"';
  const blkid = '[ "$*" = "-p -s LABEL -o value /dev/vdb" ] && echo olympus-data';

  it("asks the disk for its label: udev may not have heard of it", () => {
    const findmnt = 'case "$*" in "-no SOURCE /srv/olympus") echo /dev/vdb ;; *) echo ;; esac';
    expect(answered({ findmnt, sudo, blkid }).data).toBe(true);
  });

  it("asks for the sizes of disk and file system in their order", () => {
    const findmnt = "echo /dev/vdb";
    const cat = 'case "$1" in /sys/class/block/vdb/size) echo 10485760 ;; esac';
    const dumpe2fs =
      "printf 'Reserved block count:     1\\nBlock count:   1048576\\nBlock size:    4096\\nBlocks per group: 9\\n'";
    expect(answered({ findmnt, sudo, blkid, cat, dumpe2fs }).behind).toBe(true);
  });

  it("takes another disk for none of its own", () => {
    expect(answered({ findmnt: "echo /dev/vdc", sudo, blkid: "echo photos" }).data).toBe(false);
  });

  it("asks no disk where nothing is mounted", () => {
    expect(answered({ findmnt: "exit 1", sudo, blkid: "echo olympus-data" }).data).toBe(false);
  });
});
