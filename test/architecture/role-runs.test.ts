import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { OlympusError } from "../../src/base/errors.ts";
import { pageWith, type RolesRecording, recordedPage, recordingFile } from "../../src/bench/roles-recording.ts";
import { closingLine, planLines } from "../../src/cli/role-output.ts";
import { endLine } from "../../src/cli/role-progress.ts";
import type { HostResult } from "../../src/converge/result.ts";

/** The runs in docs/reference/role-runs.md are real, and what today's code would show: `node src/bench/roles-recording.ts` records anew. */
const recording = JSON.parse(readFileSync(recordingFile, "utf8")) as RolesRecording;
const events = recording.check as readonly {
  readonly type: string;
  readonly hosts?: readonly (Omit<HostResult, "error"> & { readonly error?: `E-${string}` })[];
  readonly message: string;
  readonly ms: number;
}[];
const message = events.find(({ type }) => type === "error")!.message;
const role = events.find(({ type }) => type === "role")!;
const looked: HostResult[] = role.hosts!.map(({ error, ...host }) => ({
  ...host,
  ...(error === undefined ? {} : { error: new OlympusError(message, { code: error }) }),
}));
const done: HostResult[] = looked.map((host) =>
  host.state === "pending" ? { ...host, state: "changed", changed: host.lines.length } : host,
);
const again: HostResult[] = looked.map((host) => (host.state === "pending" ? { ...host, state: "as-wished" } : host));

const withoutTimes = (text: string): string => text.replace(/\d+(\.\d)? s\b/g, "T s");
const [check, setup, repeated] = recording.runs.map(({ text }) => withoutTimes(text));

describe("the recorded runs of roles", () => {
  it("stand in the page as they were recorded", () => {
    const page = readFileSync(recordedPage, "utf8");
    expect(pageWith(page, recording)).toBe(page);
    expect(recording.runs.map(({ exit }) => exit)).toEqual([4, 4, 4]);
  });

  it("gave events with the fields that the page names", () => {
    const rows = readFileSync(recordedPage, "utf8").split("\n");
    const row = (type: string): string => rows.find((line) => line.startsWith(`| \`${type}\` |`)) ?? "";
    for (const event of events) {
      const fields = [...Object.keys(event), ...(event.hosts ?? []).flatMap((host) => Object.keys(host))];
      for (const field of fields.filter((one) => one !== "v" && one !== "type")) {
        expect(row(event.type)).toContain(`\`${field}\``);
      }
    }
  });

  it("are what a check shows today", () => {
    expect(check).toContain(withoutTimes([...planLines(looked, true), closingLine(looked, role.ms)].join("\n")));
  });

  it("are what a setup shows today, the second time as well", () => {
    for (const host of done) {
      const line = endLine(host);
      if (line !== undefined) expect(setup).toContain(withoutTimes(line));
    }
    expect(setup).toContain(withoutTimes(closingLine(done, role.ms)));
    expect(repeated).toContain(withoutTimes(closingLine(again, role.ms)));
  });
});
