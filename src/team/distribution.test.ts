import { expect, it } from "vitest";
import { distributionOf } from "./distribution.ts";
import type { Host } from "./hosts.ts";

it.each([
  ["debian-12", "debian-12"],
  ["debian-12-postgresql", "debian-12"],
  ["ubuntu-24.04", "ubuntu-24.04"],
  ["ubuntu-2204-minimal", "ubuntu-22.04"],
  ["debian-120", undefined],
  ["ubuntu-24", undefined],
  ["my-ubuntu-24.04", undefined],
])("%s is %s", (image, distribution) => {
  expect(distributionOf({ machine: { image } as Host["machine"] })).toBe(distribution);
});

it("a host without a machine of ours does not say", () => {
  expect(distributionOf({ machine: undefined })).toBeUndefined();
});
