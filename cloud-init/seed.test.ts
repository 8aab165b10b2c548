import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { Secret } from "../src/base/secret.ts";
import { isoImage } from "./iso9660.ts";
import { renderSeed, type SeedSpec } from "./seed.ts";

const spec: SeedSpec = {
  team: "lab",
  machine: "athena",
  domain: "lab.internal",
  hostKey: {
    private: new Secret("hosts.athena.private", "-----BEGIN KEY-----\nabc\n-----END KEY-----\n"),
    public: "ssh-ed25519 HOST",
  },
  deployKey: "ssh-ed25519 DEPLOY",
  packages: [],
  generation: "e4205c56",
  mac: "52:54:00:aa:bb:cc",
  address: "10.220.1.50",
  cidr: "10.220.1.0/24",
  gateway: "10.220.1.1",
  resolvers: ["10.220.1.1", "9.9.9.9"],
};

/** Files of an image as isoinfo, a program of somebody else's, reads them. */
function readIso(image: Buffer): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), "iso-"));
  try {
    const file = join(folder, "seed.iso");
    writeFileSync(file, image);
    const list = execFileSync("isoinfo", ["-f", "-i", file], { encoding: "utf8" }).trim().split("\n");
    return Object.fromEntries(
      list.map((path) => [path.slice(1), execFileSync("isoinfo", ["-i", file, "-x", path], { encoding: "utf8" })]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("renderSeed", () => {
  const files = readIso(renderSeed(spec).image);
  const user = parse(files["user-data"]!) as Record<string, unknown>;

  it("makes an ISO with the three files of NoCloud", () => {
    expect(Object.keys(files).sort()).toEqual(["meta-data", "network-config", "user-data"]);
    expect(files["user-data"]).toMatch(/^#cloud-config\n/);
  });

  it("gives the machine its address by MAC, its routes and resolvers", () => {
    expect(parse(files["network-config"]!)).toEqual({
      version: 2,
      ethernets: {
        eth0: {
          match: { macaddress: "52:54:00:aa:bb:cc" },
          "set-name": "eth0",
          dhcp4: false,
          dhcp6: false,
          addresses: ["10.220.1.50/24"],
          routes: [{ to: "0.0.0.0/0", via: "10.220.1.1" }],
          nameservers: { addresses: ["10.220.1.1", "9.9.9.9"], search: ["lab.internal"] },
        },
      },
    });
  });

  it("brings host key, one login, and what the probe will ask for", () => {
    const { hash } = renderSeed(spec);
    expect(user.ssh_keys).toEqual({
      ed25519_private: spec.hostKey.private.reveal(),
      ed25519_public: "ssh-ed25519 HOST",
    });
    expect(user.users).toMatchObject([
      { name: "agent", sudo: "ALL=(ALL) NOPASSWD:ALL", ssh_authorized_keys: ["ssh-ed25519 DEPLOY"], lock_passwd: true },
    ]);
    expect(user.locale).toBe("C.UTF-8");
    const [machine] = user.write_files as { path: string; content: string }[];
    expect(machine!.path).toBe("/etc/olympus/machine.json");
    expect(JSON.parse(machine!.content)).toEqual({
      team: "lab",
      machine: "athena",
      generation: "e4205c56",
      seed: hash,
    });
    expect(user.bootcmd).toEqual([expect.stringContaining(hash)]);
    expect(parse(files["meta-data"]!)).toEqual({ "instance-id": `olympus-${hash}`, "local-hostname": "athena" });
  });

  it("is the same for the same machine, byte for byte", () => {
    expect(renderSeed({ ...spec }).image.equals(renderSeed(spec).image)).toBe(true);
  });

  it.each<[string, Partial<SeedSpec>]>([
    ["address", { address: "10.220.1.51" }],
    ["resolver", { resolvers: ["10.220.1.2"] }],
    ["deploy key", { deployKey: "ssh-ed25519 OTHER" }],
    ["host key", { hostKey: { private: new Secret("x", "other"), public: "ssh-ed25519 HOST" } }],
    ["generation", { generation: "00000000" }],
    ["package sources", { packages: ["deb http://mirror.example/debian bookworm main"] }],
  ])("is another one when the %s changes", (_, change) => {
    expect(renderSeed({ ...spec, ...change }).hash).not.toBe(renderSeed(spec).hash);
  });

  it("puts the team's package sources in place of the image's only when there are any", () => {
    const packages = ["deb http://mirror.example/debian bookworm main"];
    const other = parse(readIso(renderSeed({ ...spec, packages }).image)["user-data"]!) as Record<string, unknown>;
    expect(JSON.stringify(other.write_files)).toContain("mirror.example");
    expect(JSON.stringify(user.write_files)).not.toContain("sources.list");
  });
});

describe("isoImage", () => {
  it("keeps file contents of any length whole", () => {
    const sizes = [0, 1, 2047, 2048, 2049, 10_000];
    const files = sizes.map((size) => ({ name: `file-${size}`, content: Buffer.alloc(size, "x") }));
    const read = readIso(isoImage("cidata", "set", files));
    expect(Object.fromEntries(Object.entries(read).map(([name, text]) => [name, text.length]))).toEqual(
      Object.fromEntries(sizes.map((size) => [`file-${size}`, size])),
    );
  });

  it("refuses more files than its one directory sector holds", () => {
    const many = Array.from({ length: 60 }, (_, at) => ({
      name: `a-rather-long-name-${at}`,
      content: Buffer.from(""),
    }));
    expect(() => isoImage("cidata", "set", many)).toThrow(RangeError);
  });
});
