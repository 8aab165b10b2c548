import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { aptCache, isImmutable, targetOf } from "./apt-cache.ts";

describe("what is asked of the cache", () => {
  it.each([
    ["http://mirror.example/debian/dists/x/InRelease", "http://mirror.example/debian/dists/x/InRelease"],
    ["/https/mirror.example/debian/a.deb", "https://mirror.example/debian/a.deb"],
    ["http://10.0.0.1:3142/https/mirror.example/debian/a.deb", "https://mirror.example/debian/a.deb"],
    ["/debian/a.deb", undefined],
  ])("%s means %s", (asked, target) => expect(targetOf(asked)?.href).toBe(target));

  it.each([
    ["/pool/main/j/jq/jq_1.6-2.1_amd64.deb", true],
    [`/dists/x/main/binary-amd64/by-hash/SHA256/${"0a".repeat(32)}`, true],
    ["/dists/x/InRelease", false],
    ["/dists/x/main/binary-amd64/Packages.xz", false],
  ])("%s can be kept: %s", (path, kept) => expect(isImmutable(path)).toBe(kept));
});

describe("the cache", () => {
  let dir: string;
  let mirror: Server;
  let cache: Server;
  let asked: string[];
  let cut = false;
  /** What the mirror has besides packages that say `package`. */
  let others: Map<string, Buffer>;
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;
  const start = (server: Server): Promise<void> => new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const get = (path: string): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      request({ port: portOf(cache), path: `http://127.0.0.1:${portOf(mirror)}${path}` }, (response) => {
        let body = "";
        response.on("data", (chunk) => {
          body += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
        response.on("error", reject);
      })
        .on("error", reject)
        .end();
    });

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "apt-cache-"));
    asked = [];
    cut = false;
    others = new Map();
    mirror = createServer((incoming, response) => {
      asked.push(incoming.url!);
      const other = others.get(incoming.url!);
      response.setHeader("content-length", other?.length ?? 7);
      if (other !== undefined) response.end(other);
      else if (cut) response.write("pac", () => response.destroy());
      else response.end("package");
    });
    await start(mirror);
    cache = createServer(aptCache({ dir, hosts: [`127.0.0.1:${portOf(mirror)}`] }));
    await start(cache);
  });
  afterEach(() => {
    mirror.close();
    cache.close();
    rmSync(dir, { recursive: true });
  });

  it("fetches a package once", async () => {
    expect(await get("/a_1_all.deb")).toEqual({ status: 200, body: "package" });
    // The client has it all a moment before the file has its name.
    await vi.waitUntil(() => readdirSync(dir).some((name) => name.endsWith(".deb")), 60_000);
    expect(await get("/a_1_all.deb")).toEqual({ status: 200, body: "package" });
    expect(asked).toEqual(["/a_1_all.deb"]);
  });

  it("asks again for what can change", async () => {
    await get("/dists/x/InRelease");
    await get("/dists/x/InRelease");
    expect(asked).toHaveLength(2);
    expect(readdirSync(dir)).toEqual([]);
  });

  it("keeps nothing of a download that was cut off, and fetches it the next time", async () => {
    cut = true;
    await expect(get("/b_1_all.deb")).rejects.toThrow();
    cut = false;
    expect(await get("/b_1_all.deb")).toEqual({ status: 200, body: "package" });
    expect(asked).toHaveLength(2);
    const kept = (): boolean[] => readdirSync(dir).map((name) => name.endsWith(".deb"));
    await vi.waitFor(() => expect(kept()).toEqual([true]), 60_000);
  });

  it("keeps no package of the right length that is not what the index says, nor an index that is not what its name says", async () => {
    const sha256 = (content: string | Buffer): string => createHash("sha256").update(content).digest("hex");
    const index = gzipSync(
      ["Package: a", "Filename: pool/a_1+b1_all.deb", `SHA256: ${sha256("package")}`, "", "Package: b"].join("\n"),
    );
    const byHash = `/dists/x/main/binary-all/by-hash/SHA256/${sha256(index)}`;
    const kept = (): string[] => readdirSync(dir).filter((name) => !name.endsWith(".partial"));
    const partials = (): string[] => readdirSync(dir).filter((name) => name.endsWith(".partial"));

    others.set(byHash, Buffer.from(index.map((byte) => byte ^ 1)));
    await get(byHash);
    await vi.waitUntil(() => partials().length === 0, 60_000);
    expect(kept()).toEqual([]);
    others.set(byHash, index);
    await get(byHash);
    await vi.waitUntil(() => kept().length === 1, 60_000);

    const deb = "/pool/a_1%2bb1_all.deb";
    others.set(deb, Buffer.from("pac??ge"));
    expect((await get(deb)).body).toBe("pac??ge");
    await vi.waitUntil(() => partials().length === 0, 60_000);
    expect(kept()).toHaveLength(1);
    others.delete(deb);
    expect((await get(deb)).body).toBe("package");
    await vi.waitUntil(() => kept().length === 2, 60_000);
    await get(deb);
    expect(asked.filter((path) => path === deb)).toHaveLength(2);
  });

  it("refuses hosts that are no package source", async () => {
    const other = createServer((_incoming, response) => response.end("secret"));
    await start(other);
    const answer = await new Promise<number>((resolve) =>
      request({ port: portOf(cache), path: `http://127.0.0.1:${portOf(other)}/a_1_all.deb` }, (response) =>
        resolve(response.resume().statusCode ?? 0),
      ).end(),
    );
    other.close();
    expect(answer).toBe(403);
  });
});
