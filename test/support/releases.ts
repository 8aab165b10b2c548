import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A release as the role takes it. */
export interface PackedRelease {
  readonly version: string;
  readonly sha256: string;
  readonly url: string;
}

/** Packs releases and serves them, at an address that lab machines reach. */
export interface ReleaseServer {
  /** A tarball of `mattermost/` with what of `from` is the program, and `files` in place of or beside it. */
  pack(version: string, from: string | undefined, files: Readonly<Record<string, string>>): PackedRelease;
  /** The first half of another release, promised as a whole. */
  truncated(release: PackedRelease): PackedRelease;
  /** What was asked for, as "GET /path", in order. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

export async function serveReleases(address: string): Promise<ReleaseServer> {
  const folder = mkdtempSync(join(tmpdir(), "olympus-releases-"));
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const [, half, name] = /^\/(half-)?([\w.-]+)$/.exec(request.url ?? "") ?? [];
    const file = join(folder, name ?? "");
    const { size } = statSync(file);
    response.writeHead(200, { "content-length": size });
    const end = half === undefined ? size - 1 : Math.floor(size / 2);
    createReadStream(file, { end }).pipe(response);
  });
  await new Promise<void>((done) => server.listen(0, address, done));
  const url = `http://${address}:${(server.address() as AddressInfo).port}`;
  return {
    requests,
    pack(version, from, files) {
      const tar = join(folder, `${version}.tar`);
      const extra = join(folder, `${version}-files`);
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(join(extra, "mattermost", path, ".."), { recursive: true });
        writeFileSync(join(extra, "mattermost", path), content, { mode: 0o755 });
      }
      const parts = ["bin", "i18n", "templates", "fonts"];
      execFileSync("tar", ["-cf", tar, "-C", extra, "mattermost"]);
      if (from !== undefined) execFileSync("tar", ["-rf", tar, "-C", from, "--transform=s,^,mattermost/,", ...parts]);
      const sha256 = createHash("sha256").update(readFileSync(tar)).digest("hex");
      return { version, sha256, url: `${url}/${version}.tar` };
    },
    truncated: (release) => ({ ...release, url: release.url.replace(/\/([^/]+)$/, "/half-$1") }),
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
