import { expect, it } from "vitest";
import { requireImages } from "./required-images.ts";

const base = {
  image: "debian-12",
  identity: "0a",
  volume: "lab.image.debian-12.0a.qcow2",
  file: "/nowhere/image.qcow2",
};
const specs = [{ machine: { name: "athena" }, base }] as unknown as Parameters<typeof requireImages>[1];

it("names the image that nobody made here, and what makes it", () => {
  expect(() => requireImages("r420", specs, [])).toThrow(
    expect.objectContaining({
      code: "E-IMAGE-MISSING",
      message: expect.stringContaining("debian-12"),
      hint: expect.stringContaining("npx olympus preview r420"),
    }),
  );
});

it("does without a file that is not to be uploaded", () => {
  const there = { type: "libvirt:index/volume:Volume", id: "/pool/x", name: base.volume };
  expect(() => requireImages("r420", specs, [there])).not.toThrow();
  const here = [{ ...specs[0]!, base: { ...base, file: import.meta.filename } }];
  expect(() => requireImages("r420", here, [])).not.toThrow();
});
