import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Answer, judge, parseAnswer, question } from "./readiness.ts";

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
  /** The answer of this computer, with a findmnt of the given lines. */
  const answered = (findmnt: string): Answer => {
    const folder = mkdtempSync(join(tmpdir(), "olympus-readiness-"));
    try {
      writeFileSync(join(folder, "findmnt"), `#!/bin/sh\ncd ${folder}\n${findmnt}\n`);
      chmodSync(join(folder, "findmnt"), 0o755);
      const env = { PATH: `${folder}:${process.env.PATH}` };
      return parseAnswer(execFileSync("sh", ["-c", question], { env, encoding: "utf8" }));
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  it("waits for the label of a disk that was made and mounted a moment ago", () => {
    expect(answered("echo >>looks; [ $(wc -l <looks) -lt 3 ] && echo '' || echo olympus-data").data).toBe(true);
  });

  it("does not wait where nothing is mounted", () => {
    expect(answered("exit 1").data).toBe(false);
  });
});
