import { existsSync, globSync } from "node:fs";
import { join } from "node:path";
import { OlympusError } from "../base/errors.ts";
import { unpack } from "./archive.ts";
import { expectedChecksum } from "./checksums.ts";
import { type DownloadSettings, downloadFile } from "./download.ts";
import type { Yield } from "./install.ts";
import type { ToolName } from "./lock.ts";
import type { PinnedDownload } from "./pinned-download.ts";

/** Where a publisher's archive has its program. */
const programs: Readonly<Record<ToolName, string>> = {
  pulumi: "pulumi/pulumi",
  bridge: "pulumi-resource-terraform-provider",
  provider: "terraform-provider-libvirt_v*",
  mattermost: "mattermost/bin/mattermost",
};

/** Downloads, verifies and unpacks a publisher's archive below `work`. `sha256` is what it hashed to: the lock's, the publisher's, or the first one seen. */
export async function fetchTool(
  tool: ToolName,
  download: PinnedDownload,
  work: string,
  settings: DownloadSettings,
): Promise<{ made: Yield; sha256: string }> {
  const archive = join(work, new URL(download.url).pathname.split("/").at(-1) ?? tool);
  const expected = await expectedChecksum(download, settings.signal);
  const sha256 = await downloadFile(download.url, archive, expected, settings);
  const folder = join(work, "unpacked");
  await unpack(archive, folder, settings.signal);
  const [name] = globSync(programs[tool], { cwd: folder });
  if (name === undefined) {
    throw new OlympusError(`the archive has no ${programs[tool]}`, { code: "E-ARCHIVE", where: download.url });
  }
  const program = join(folder, name);
  if (tool !== "mattermost") return { made: { program }, sha256 };
  const parts = ["i18n", "templates", "fonts", "client"].map(
    (part) => [part, join(folder, "mattermost", part)] as const,
  );
  return { made: { program, folders: Object.fromEntries(parts.filter(([, from]) => existsSync(from))) }, sha256 };
}
