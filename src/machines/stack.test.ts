import { describe, expect, it } from "vitest";
import type { EngineEvent } from "./driver/events.ts";
import { disklessIn } from "./stack.ts";
import { othersError } from "./up.ts";

const event = (urn: string, message: string): EngineEvent =>
  ({ diagnosticEvent: { urn, message, severity: "error" } }) as EngineEvent;
const domain = "urn:pulumi:r420::olympus::olympus:machines:Vm$libvirt:index/domain:Domain::athena";
const volume = "urn:pulumi:r420::olympus::libvirt:index/volume:Volume::debian-12-65386f179e26";

describe("what is made anew although nobody changed it", () => {
  it("is a domain whose disk is gone", () => {
    const message =
      "error: error retrieving volume for disk: Storage volume not found: no storage vol with matching name 'x'";
    expect(disklessIn(event(domain, message))).toBe(domain);
  });

  it.each([
    [domain, "error retrieving volume for disk: dial tcp 10.220.1.7:22: i/o timeout"],
    [domain, "failed to connect to libvirt"],
    [volume, "error retrieving volume for disk: Storage volume not found"],
  ])("is nothing else: %s, %s", (urn, message) => {
    expect(disklessIn(event(urn, message))).toBeUndefined();
  });
});

describe("machines that were not named", () => {
  const change = (machine: string, kind: "create" | "restart") => ({ machine, kind, detail: "" });

  it("are not stopped", () => {
    expect(othersError("r420", [change("athena", "restart"), change("poseidon", "restart")], ["athena"])).toMatchObject(
      {
        code: "E-OTHERS",
        message: "r420 waits for more than was asked for: restart poseidon",
      },
    );
  });

  it("may be made", () => {
    expect(othersError("r420", [change("poseidon", "create")], ["athena"])).toBeUndefined();
  });
});
