import { describe, expect, it } from "vitest";
import { explainFault } from "./faults.ts";

const about = { hypervisor: "r420", log: "/logs/r420.log" };

describe("explainFault", () => {
  it.each([
    ["failed to dial libvirt: ssh: handshake failed: knownhosts: key mismatch", "E-HOSTKEY", 5],
    ["failed to connect to libvirt: dial tcp 10.220.1.7:22: connect: connection refused", "E-LIBVIRT", 4],
    ["dial tcp 10.220.1.7:22: i/o timeout", "E-LIBVIRT", 4],
    ["error: getting stack configuration: get stack secrets manager: incorrect passphrase", "E-PASSPHRASE", 1],
    ["can't write: write /var/lib/libvirt/images/x: No space left on device", "E-DISK-FULL", 2],
    ["invalid argument: could not get preferred machine for /usr/bin/qemu domaintype=kvm", "E-ACCEL", 2],
    ["unsupported configuration: Emulator '/usr/bin/qemu' does not support virt type 'kvm'", "E-ACCEL", 2],
    ["internal error: qemu: cannot set up guest memory 'pc.ram': Cannot allocate memory", "E-MEMORY", 2],
    ["error defining libvirt domain: domain 'lab.athena' already exists with uuid 1", "E-EXISTS", 2],
    ["1 error occurred:\n\t* something new", "E-PULUMI", 2],
  ])("%s", (text, code, exit) => {
    const error = explainFault({ ...about, text });
    expect(error).toMatchObject({ code, exit, where: "r420" });
    expect(error.message).toContain("r420");
    expect(error.hint).toContain("/logs/r420.log");
  });

  it("gives an error of the program back as it was thrown", () => {
    const lines = "Unhandled exception: E-POOL: r420 has no storage pool\n  at r420\n  do: virsh pool-define-as\n";
    expect(explainFault({ ...about, text: lines })).toMatchObject({
      code: "E-POOL",
      exit: 2,
      message: "r420 has no storage pool",
      hint: "virsh pool-define-as\nlog  /logs/r420.log",
    });
    const timeout = "E-SSH-TIMEOUT: r420: no answer\n  at r420\n";
    expect(explainFault({ ...about, text: timeout })).toMatchObject({ code: "E-SSH-TIMEOUT", exit: 4 });
  });

  it("shows the cause without Pulumi's own counting", () => {
    const text = "1 error occurred:\n\t* creating it: the provider gave up: provider=libvirt@0.6.0\n";
    expect(explainFault({ ...about, machine: "athena", text }).message).toBe(
      "athena on r420: creating it: the provider gave up",
    );
  });
});
