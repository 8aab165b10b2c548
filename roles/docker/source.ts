import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { exitCodes, OlympusError } from "../../src/base/errors.ts";
import { projectRoot } from "../../src/base/paths.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { distributionOf } from "../../src/team/distribution.ts";
import type { Host } from "../../src/team/hosts.ts";
import { learnSha256, pinnedDownload, recordSha256 } from "../../src/toolchain/pinned-download.ts";

/** Docker's own packages for one release of a distribution, and the key that signs them. */
export interface DockerSource {
  readonly distribution: string;
  readonly release: string;
  readonly key: { readonly url: string; readonly sha256: string };
}

export const dockerLockFile: string = join(projectRoot, "roles/docker/docker.lock.json");
const lockSchema = z.strictObject({ key: pinnedDownload });

const releases = new Map([
  ["debian-12", { distribution: "debian", release: "bookworm" }],
  ["debian-13", { distribution: "debian", release: "trixie" }],
  ["ubuntu-22.04", { distribution: "ubuntu", release: "jammy" }],
  ["ubuntu-24.04", { distribution: "ubuntu", release: "noble" }],
]);

/**
 * Where a host gets Docker's own packages from. The signing key's checksum is learnt when it is fetched for the first time, and
 * written to the lock. Throws E-DOCKER-RELEASE for an unknown image, E-DOWNLOAD when the key cannot be had.
 */
export async function dockerSource(
  host: Host,
  signal: AbortSignal,
  file: string = dockerLockFile,
): Promise<DockerSource> {
  const image = host.machine?.image ?? "";
  const known = releases.get(distributionOf(host) ?? "");
  if (known === undefined) {
    throw new OlympusError(
      `Docker's own packages are not known for ${image === "" ? host.name : `the image ${image}`}.`,
      {
        code: "E-DOCKER-RELEASE",
        exit: exitCodes.usage,
        where: host.name,
        hint: "Take the distribution's:  roles: { docker: { source: registries } }",
      },
    );
  }
  const { key } = lockSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  const sha256 = await learnSha256(key, signal);
  if (key.sha256 === undefined) await recordSha256(file, ["key"], sha256, signal);
  return { ...known, key: { url: key.url, sha256 } };
}

const keyring = "/etc/apt/keyrings/docker.asc";

/** Before the packages: a source that is new makes apt read its lists anew, since it knows no such package yet. */
export function sourceOperations({ distribution, release, key }: DockerSource): Operation[] {
  const site = `${new URL(key.url).origin}/linux/${distribution}`;
  return [
    { kind: "package", id: "fetching", names: ["ca-certificates", "curl"] },
    { kind: "directory", id: "keyrings", path: "/etc/apt/keyrings" },
    { kind: "download", id: "key", path: keyring, ...key },
    {
      kind: "file",
      id: "source",
      path: "/etc/apt/sources.list.d/olympus-docker.list",
      content: `deb [signed-by=${keyring}] ${site} ${release} stable\n`,
    },
  ];
}
