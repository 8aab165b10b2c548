import { describe, expect, it } from "vitest";
import { mended } from "./mend.ts";

const component = { urn: "vm", type: "olympus:machines:Vm" };
const disk = { urn: "disk", type: "libvirt:index/volume:Volume", custom: true, id: "/disk" };
const half = { urn: "domain", type: "libvirt:index/domain:Domain", custom: true };

describe("mended", () => {
  it("drops what has no id and what was under way, and keeps everything else", () => {
    const state = { manifest: {}, resources: [component, disk, half], pending_operations: [{}] };
    expect(mended(state)).toEqual({ manifest: {}, resources: [component, disk] });
  });
  it("leaves a whole state alone", () => {
    expect(mended({ resources: [component, disk] })).toBeUndefined();
    expect(mended({})).toBeUndefined();
  });
});
