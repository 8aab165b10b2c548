import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { projectRoot } from "../base/paths.ts";
import { readLock } from "./lock.ts";
import { requiredPackages } from "./required-packages.ts";
import { compileSdk } from "./sdk-compile.ts";

const sdk = join(projectRoot, "sdks/libvirt");

test("the SDK is the one of the pinned provider, with the public parameter", () => {
  const { tools } = readLock();
  const [libvirt] = requiredPackages(join(projectRoot, "stacks"));
  expect(libvirt).toMatchObject({
    name: "terraform-provider",
    version: tools.bridge.published,
    parameterization: { name: "libvirt", version: tools.provider.version },
  });
  expect(JSON.parse(Buffer.from(libvirt?.parameterization?.value ?? "", "base64").toString())).toEqual({
    remote: { url: "registry.opentofu.org/dmacvicar/libvirt", version: tools.provider.version },
  });
});

test("the SDK registers its package once for each engine, not once for each process", () => {
  const source = readFileSync(join(sdk, "utilities.ts"), "utf8");
  expect(source).toContain("runtime.registerPackage({");
  expect(source).not.toContain("_packageRef");
});

test("compiling is done once for the same sources, and again for others", async () => {
  const folder = mkdtempSync(join(tmpdir(), "olympus-sdk-"));
  try {
    cpSync(sdk, folder, {
      recursive: true,
      filter: (path) => !/\/(bin|declarations)(\/|$)/.test(path.slice(sdk.length)),
    });
    expect(await compileSdk(folder)).toBe(true);
    expect(existsSync(join(folder, "bin/types/input.js"))).toBe(true);
    expect(await compileSdk(folder)).toBe(false);
    writeFileSync(join(folder, "volume.ts"), `${readFileSync(join(folder, "volume.ts"), "utf8")}\n// changed\n`);
    expect(await compileSdk(folder)).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
