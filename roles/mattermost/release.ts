import { z } from "zod";
import type { Operation } from "../../src/converge/operations.ts";
import type { MattermostServerFolder } from "./server.ts";
import { releasesFolder } from "./unit.ts";

/** Team Edition as its publisher packs it; the default download is the Enterprise build, which shows less without a licence. */
export const releaseSchema = z.strictObject({
  version: z.string().regex(/^\d+\.\d+\.\d+$/, "Write a whole version, such as 11.9.0."),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "64 hex digits, of the tarball."),
  /** Where the tarball is when not at its publisher's. */
  url: z.url().optional(),
});

export type Release = z.output<typeof releaseSchema>;

/** The name of its folder: another content has another one. */
export function releaseName(release: Release | undefined, server: MattermostServerFolder | undefined): string {
  if (release !== undefined) return release.sha256.slice(0, 16);
  if (server === undefined) throw new Error("there is no server to ship");
  return server.source.hash;
}

/** Brings the release to the host: fetched by it when its tarball is named, shipped from here otherwise. Earlier ones stay for going back. */
export function releaseOperations(
  release: Release | undefined,
  server: MattermostServerFolder | undefined,
): Operation[] {
  const path = `${releasesFolder}/${releaseName(release, server)}`;
  if (release === undefined) return [{ kind: "archive", id: "server", path, ...server!, leave: true }];
  const { version, sha256 } = release;
  const url = release.url ?? `https://releases.mattermost.com/${version}/mattermost-team-${version}-linux-amd64.tar.gz`;
  return [
    { kind: "package", id: "curl", names: ["curl"] },
    { kind: "download", id: "server", path, url, sha256, unpack: { strip: 1 }, leave: true },
  ];
}
