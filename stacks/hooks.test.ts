import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RunError } from "@pulumi/pulumi";
import { afterAll, beforeEach, expect, it, vi } from "vitest";
import { OlympusError } from "../src/base/errors.ts";
import { consoleFile } from "../src/machines/console.ts";
import { probe } from "../src/machines/readiness.ts";
import type { MachineSpec } from "../src/machines/spec.ts";
import { takeTold, toldVariable } from "../src/machines/told.ts";
import type { SshConnection, SshTarget } from "../src/ssh/connection.ts";
import { endWith, type HookContext, readyHook } from "./hooks.ts";

vi.mock("../src/machines/readiness.ts", () => ({ probe: vi.fn() }));
// Pulumi's mocks know no hooks: one here is what it is given.
vi.mock("@pulumi/pulumi", async (original) => ({
  ...(await original<typeof import("@pulumi/pulumi")>()),
  log: { info: (line: string) => void said.push(line) },
  ResourceHook: class {
    readonly callback: () => Promise<void>;
    constructor(_name: string, callback: () => Promise<void>) {
      this.callback = callback;
    }
  },
}));

const said: string[] = [];
const folder = mkdtempSync(join(tmpdir(), "olympus-hooks-"));
const told = join(folder, "told");
beforeEach(() => {
  vi.stubEnv("OLYMPUS_STATE", folder);
  vi.stubEnv(toldVariable, told);
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** Runs the hook of athena, whose console shows `shown` until it is no longer recorded. */
async function afterCreation(
  shown: string,
): Promise<{ thrown: unknown; failures: OlympusError[]; recording: boolean }> {
  let recording = false;
  const connection = {
    target: { name: "r420" },
    exec: (_command: string, { signal, onStdout }: { signal: AbortSignal; onStdout: (chunk: Buffer) => void }) => {
      recording = true;
      onStdout(Buffer.from(shown));
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          recording = false;
          reject(new Error("ended"));
        });
      });
    },
  } as unknown as SshConnection;
  const failures: OlympusError[] = [];
  const hook = readyHook({
    team: "hooks",
    connection,
    target: { name: "athena" } as SshTarget,
    spec: {
      machine: { name: "athena" },
      names: { domain: "hooks-athena" },
      generation: "g1",
      seed: { hash: "s1" },
    } as unknown as MachineSpec,
    failures,
  } satisfies HookContext);
  const thrown = await Promise.resolve(hook.callback({} as never)).catch((error: unknown) => error);
  return { thrown, failures, recording };
}

it("a machine that is ready fails nothing, and its console is no longer recorded", async () => {
  vi.mocked(probe).mockResolvedValue({ cloudInit: "done", machine: {}, data: true, behind: false });
  expect(await afterCreation("login:")).toEqual({ thrown: undefined, failures: [], recording: false });
  expect(probe).toHaveBeenCalledWith(expect.objectContaining({ expected: { generation: "g1", seed: "s1" } }));
  expect(said).toEqual([expect.stringMatching(/^\[olympus\] athena: ready after \d+ s$/)]);
  expect(takeTold(told)).toEqual([]);
  expect(() => endWith([])).not.toThrow();
});

it("one that does not get ready fails the run by its code, with what its console showed last", async () => {
  const error = new OlympusError("athena does not answer on SSH", { code: "E-READY-NET", hint: "look at its bridge" });
  vi.mocked(probe).mockRejectedValue(error);
  const lines = Array.from({ length: 9 }, (_, at) => `[ ${at}.0] line ${at}`);
  const { thrown, failures, recording } = await afterCreation(`${lines.join("\r\n")}\r\nKernel panic\r\n`);
  expect(recording).toBe(false);
  const last = [...lines.slice(-4), "Kernel panic"].join("\n  ");
  expect(failures).toMatchObject([
    {
      code: "E-READY-NET",
      message: `athena does not answer on SSH\nlast on its console:\n  ${last}`,
      where: "athena on r420",
      hint: `look at its bridge\nconsole: ${consoleFile("hooks", "athena")}`,
    },
  ]);
  expect(readFileSync(consoleFile("hooks", "athena"), "utf8")).toContain("line 0");
  // For Pulumi, for `olympus up`, and for the exit code of a plain `pulumi up`, to which a hook's error is a warning.
  expect(thrown).toMatchObject({ message: expect.stringMatching(/^E-READY-NET: athena does not answer/) });
  expect(takeTold(told)).toMatchObject([{ code: "E-READY-NET", message: failures[0]!.message }]);
  expect(() => endWith(failures)).toThrow(RunError);
  expect(() => endWith(failures)).toThrow(/^E-READY-NET: .*last on its console/s);
});

it("what nobody foresaw fails the run too", async () => {
  vi.mocked(probe).mockRejectedValue(new TypeError("x is not iterable"));
  const { failures } = await afterCreation("");
  expect(failures).toMatchObject([
    {
      code: "E-BUG",
      message: "x is not iterable\nits console showed nothing",
      hint: expect.stringContaining("console: "),
    },
  ]);
  expect(() => endWith(failures)).toThrow(RunError);
});
