import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { setSalt } from "./salt.ts";

test("a stack's salt comes and goes by whole files; the rest of its settings stays, and none are made for nothing", async () => {
  const root = mkdtempSync(join(tmpdir(), "olympus-salt-"));
  const folder = join(root, "stacks");
  const file = join(folder, "Pulumi.r420.yaml");
  mkdirSync(folder);
  try {
    await setSalt("r420", undefined, root);
    expect(readdirSync(folder)).toEqual([]);

    const settings = "config:\n  a: b\n";
    writeFileSync(file, settings);
    linkSync(file, join(root, "held"));
    await setSalt("r420", "v1:one", root);
    await setSalt("r420", "v1:two", root);
    expect(readFileSync(file, "utf8")).toBe(`encryptionsalt: v1:two\n${settings}`);
    await setSalt("r420", undefined, root);
    expect(readFileSync(file, "utf8")).toBe(settings);

    await setSalt("r420", "v1:three", root);
    // Written over in place it would read otherwise by now, and be empty for whoever looks in between.
    expect(readFileSync(join(root, "held"), "utf8")).toBe(settings);
    expect(readdirSync(folder)).toEqual(["Pulumi.r420.yaml"]);
  } finally {
    rmSync(root, { recursive: true });
  }
});
