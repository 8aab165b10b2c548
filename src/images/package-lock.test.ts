import { expect, it } from "vitest";
import { imageIdentity } from "./identity.ts";
import { aptPins, lockDifferences, parsePackageLock } from "./package-lock.ts";

it("names what an archive has in other versions than the lock", () => {
  const lock = parsePackageLock("a 1.0\nb 2:1.1-1\nc 3\n");
  expect(lockDifferences(lock, parsePackageLock("a 1.0\nb 2:1.1-2\nd 4\n"))).toEqual([
    "b 2:1.1-1 → 2:1.1-2",
    "c 3 → (none)",
    "d (none) → 4",
  ]);
});

it("pins every locked version above whatever is newer", () => {
  expect(aptPins(parsePackageLock("b 2:1.1-1\n"))).toBe("Package: b\nPin: version 2:1.1-1\nPin-Priority: 1001\n");
});

it("calls an image by its recipe, the same each time", () => {
  expect(imageIdentity("debian-12")).toMatch(/^[0-9a-f]{12}$/);
  expect(imageIdentity("debian-12")).toBe(imageIdentity("debian-12"));
});

it("refuses a name that is no image", () => {
  expect(() => imageIdentity("debian-13")).toThrow(expect.objectContaining({ code: "E-IMAGE-UNKNOWN" }));
});
