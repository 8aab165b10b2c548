import { expect, test } from "vitest";
import { OlympusError } from "../base/errors.ts";
import type { RootShell } from "../converge/root-shell.ts";
import type { ExecResult, SshConnection } from "../ssh/connection.ts";
import type { NamedHypervisor } from "../team/model.ts";
import { checkAcceleration } from "./acceleration.ts";

const said = (stdout: string): ExecResult => ({ code: 0, stdout, stderr: "" }) as ExecResult;
const host = { name: "r420", accel: "kvm", pool: "default" } as NamedHypervisor;
const look = (shell: RootShell["run"], hypervisor = host) =>
  checkAcceleration({ exec: async () => said("") } as unknown as SshConnection, { run: shell }, hypervisor, "lab");

test.each([
  ["BOOTED", "kvm", "ok", /boots a guest/],
  ["SILENT", "kvm", "fail", /hangs/],
  ["BOOTED", "tcg", "warn", /the team file says tcg/],
  ["SILENT", "tcg", "ok", /emulated/],
  ["NO-IMAGE", "kvm", "warn", /before the first up/],
] as const)("a guest that is %s where the team file says %s", async (answer, accel, state, fact) => {
  expect(await look(async () => said(`${answer}\n`), { ...host, accel })).toMatchObject({
    state,
    fact: expect.stringMatching(fact) as string,
  });
});

test("where sudo wants a password that nobody set, nothing is said of KVM", async () => {
  const refused = new OlympusError("r420: operator may not become root without a password.", {
    code: "E-ROLE-SUDO",
    exit: 2,
    hint: "npx olympus secrets set sudo.r420",
  });
  expect(await look(() => Promise.reject(refused))).toMatchObject({
    state: "warn",
    fact: expect.stringContaining("may not become root") as string,
    fix: "npx olympus secrets set sudo.r420",
  });
});
