import { describe, expect, it } from "vitest";
import type { ExecResult, SshConnection } from "../ssh/connection.ts";
import { baseVolume, dataVolume, isDisposable, namesOf, ownerIn, ownerMark } from "./names.ts";
import { preflight } from "./preflight.ts";

const hypervisor = { name: "r420", pool: "default", bridge: "br0" } as never;

/** A hypervisor that answers every question with the same text. */
function answering(stdout: string, code = 0, stderr = ""): SshConnection {
  return {
    target: { name: "r420", user: "operator" } as never,
    exec: async (): Promise<ExecResult> => ({ code, stdout, stderr }),
    close: () => undefined,
  };
}

const look = (stdout: string, code?: number, stderr?: string) =>
  preflight({ connection: answering(stdout, code, stderr), team: "lab", hypervisor, owner: "aaaa" });

describe("preflight", () => {
  const domain = (description: string) => `domain lab.athena\tuuid-1\trunning\t${description}\t`;

  it.each([
    ["E-POOL", "bridge yes\npool missing"],
    ["E-POOL", "bridge yes\npool inactive"],
    ["E-BRIDGE", "bridge no\npool active"],
    ["E-FOREIGN", `bridge yes\npool active\n${domain("No description for domain: lab.athena")}`],
    ["E-FOREIGN", `bridge yes\npool active\n${domain(ownerMark("lab", "athena", "bbbb"))}`],
  ])("stops with %s at: %s", async (code, stdout) => {
    await expect(look(stdout)).rejects.toMatchObject({ code });
  });

  it("says how to get into the libvirt group when that is what is missing", async () => {
    await expect(look("", 1, "error: authentication unavailable: no polkit agent")).rejects.toMatchObject({
      code: "E-LIBVIRT",
      exit: 4,
      hint: expect.stringContaining("usermod -aG libvirt operator"),
    });
  });

  it("is content with what is ours", async () => {
    const found = await look(`bridge yes\npool active\n${domain(ownerMark("lab", "athena", "aaaa"))}`);
    expect(found.domains).toHaveLength(1);
  });
});

it("takes no machine's data disk for an image, whatever the machine is called", () => {
  expect(isDisposable("lab", "lab.image.data.qcow2")).toBe(false);
  expect(isDisposable("lab", dataVolume("lab", "image"))).toBe(false);
  expect(isDisposable("lab", baseVolume("lab", "debian-12", "0123456789ab"))).toBe(true);
  expect(isDisposable("lab", namesOf("lab", "image", "0a1b2c3d", "0123456789ab").root)).toBe(true);
});

it("does not take another team's disks for its own", () => {
  expect(isDisposable("lab", "lab.athena.root.e4205c56.qcow2")).toBe(true);
  expect(isDisposable("lab", "lab-two.athena.root.e4205c56.qcow2")).toBe(false);
  expect(ownerIn(ownerMark("lab", "athena", "1a2b"))).toBe("1a2b");
  expect(ownerIn("my own machine")).toBeUndefined();
});
