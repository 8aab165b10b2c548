import { describe, expect, it } from "vitest";
import { exitCodes } from "../../src/base/errors.ts";
import { type Asking, mayBegin, rootLines } from "../consent.ts";

const nobody = async (): Promise<boolean> => {
  throw new Error("Continue? Nobody can be asked here.");
};

async function begun(wanted: Parameters<typeof mayBegin>[0], asking: Partial<Asking> = {}) {
  const told: string[] = [];
  const code = await mayBegin(wanted, {
    isRoot: true,
    tell: (line) => void told.push(line),
    confirm: nobody,
    missing: async () => ["chromium"],
    ...asking,
  });
  return { code, told };
}

describe("before a suite uses root's rights", () => {
  it.each(["contract", "e2e", "long", "all"] as const)("%s tells what it does with them, and asks", async (wanted) => {
    const lines = rootLines(wanted, ["chromium"]);
    expect(lines.join("\n")).toMatch(/1 Debian package \(chromium\); .*namespaces.*writes.*olympus.*about \S+/s);
    const agreed = await begun(wanted, { confirm: async () => true });
    expect(agreed).toEqual({ code: exitCodes.done, told: lines });
    const refused = await begun(wanted, { confirm: async () => false });
    expect(refused).toEqual({ code: exitCodes.confirmation, told: [...lines, "not agreed to: no test was run"] });
    const { code, told } = await begun(wanted);
    expect(code).toBe(exitCodes.confirmation);
    expect(told.slice(lines.length).join("\n")).toMatch(/Nobody can be asked here.*--yes.*no test was run/s);
  });

  it.each(["contract", "e2e", "long", "all"] as const)("%s refuses who has not got them, once", async (wanted) => {
    const { code, told } = await begun(wanted, { isRoot: false });
    expect(code).toBe(exitCodes.usage);
    expect(told).toEqual([
      expect.stringContaining(`scripts/test ${wanted} needs root`),
      expect.stringContaining(`sudo scripts/test ${wanted}, or without root: scripts/test unit`),
    ]);
  });

  it.each(["unit", "check", "elsewhere"] as const)("%s needs none and asks nothing", async (wanted) => {
    expect(await begun(wanted, { isRoot: false })).toEqual({ code: exitCodes.done, told: [] });
  });
});
