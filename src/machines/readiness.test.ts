import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Answer, judge, parseAnswer, question, seedApplied } from "./readiness.ts";

const expected = { generation: "g1", seed: "s1" };
const good: Answer = { cloudInit: "done", machine: { generation: "g1", seed: "s1" }, data: true };

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

  it("takes another disk for none of its own", () => {
    expect(answered({ findmnt: "echo /dev/vdc", sudo, blkid: "echo photos" }).data).toBe(false);
  });

  it("asks no disk where nothing is mounted", () => {
    expect(answered({ findmnt: "exit 1", sudo, blkid: "echo olympus-data" }).data).toBe(false);
  });
});
