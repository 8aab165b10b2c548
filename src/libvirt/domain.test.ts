import { expect, it } from "vitest";
import type { ExecResult, SshConnection } from "../ssh/connection.ts";
import { domainState, removeDomain, removeVolume, shutDown } from "./domain.ts";

const bounds = { orderlyMs: 0, pollMs: 1, againMs: 60_000 };
const missing = "error: failed to get domain 'lab.athena'";

interface Guest {
  /** Undefined: there is no such domain. */
  state: string | undefined;
  /** What becomes of it when it is asked to shut down. */
  readonly afterShutdown?: string;
  /** How often it does not listen before it does. */
  deaf?: number;
  readonly destroyFails?: string;
}

/** A hypervisor with one domain; `asked` has the virsh commands that change something. */
function hypervisor(guest: Guest): { connection: SshConnection; asked: string[] } {
  const asked: string[] = [];
  const answer = (command: string): Omit<ExecResult, "stderr"> & { stderr?: string } => {
    const verb = /qemu:\/\/\/system (\S+)/.exec(command)?.[1] ?? "";
    if (verb === "domstate")
      return guest.state === undefined ? { code: 1, stdout: "", stderr: missing } : { code: 0, stdout: guest.state };
    asked.push(verb);
    if (verb === "shutdown") {
      if ((guest.deaf ?? 0) > 0) guest.deaf! -= 1;
      else guest.state = guest.afterShutdown ?? guest.state;
    }
    if (verb === "destroy") {
      if (guest.destroyFails !== undefined) return { code: 1, stdout: "", stderr: guest.destroyFails };
      guest.state = "shut off";
    }
    if (verb === "undefine") guest.state = undefined;
    return { code: 0, stdout: "" };
  };
  const connection = {
    target: { name: "r420" },
    exec: async (command: string) => ({ stderr: "", ...answer(command) }),
  } as unknown as SshConnection;
  return { connection, asked };
}

it.each([
  ["is not there", { state: undefined }, "gone", []],
  ["is off", { state: "shut off" }, "was off", []],
  ["goes down when it is asked", { state: "running", afterShutdown: "shut off" }, "orderly", ["shutdown"]],
  ["does not go down within the bound", { state: "running" }, "forced", ["shutdown", "destroy"]],
  ["is paused, and could not hear", { state: "paused" }, "forced", ["destroy"]],
] as const)("a domain that %s", async (_what, guest, outcome, asked) => {
  const one = hypervisor({ ...guest });
  expect(await shutDown(one.connection, "lab.athena", bounds)).toBe(outcome);
  expect(one.asked).toEqual(asked);
});

it("a guest that is too early in its boot to listen is asked again, and goes down in order", async () => {
  const { connection, asked } = hypervisor({ state: "running", afterShutdown: "shut off", deaf: 2 });
  const patient = { orderlyMs: 600_000, pollMs: 1, againMs: 0 };
  expect(await shutDown(connection, "lab.athena", patient)).toBe("orderly");
  expect(asked).toEqual(["shutdown", "shutdown", "shutdown"]);
});

it("a domain whose power cannot be cut is an error, and is not undefined under its guest", async () => {
  const { connection, asked } = hypervisor({ state: "running", destroyFails: "error: device or resource busy" });
  await expect(removeDomain(connection, "lab.athena", bounds)).rejects.toMatchObject({
    code: "E-LIBVIRT",
    message: expect.stringContaining("resource busy"),
  });
  expect(asked).not.toContain("undefine");
});

it("what libvirt does not say is not taken for nothing", async () => {
  const connection = {
    target: { name: "r420" },
    exec: async () => ({ code: 1, stdout: "", stderr: "error: failed to connect to the hypervisor" }),
  } as unknown as SshConnection;
  await expect(domainState(connection, "lab.athena")).rejects.toMatchObject({ code: "E-LIBVIRT" });
  await expect(removeVolume(connection, "default", "lab.athena.root.0a.qcow2")).rejects.toMatchObject({
    code: "E-LIBVIRT",
  });
});
