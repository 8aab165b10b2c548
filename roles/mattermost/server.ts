import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { LocalFolder } from "../../src/converge/operations.ts";
import { toolchain } from "../../src/toolchain/index.ts";

/** The server to ship: its folder among the tools. Throws E-TOOLCHAIN when it is not installed. */
export interface MattermostServerFolder {
  readonly source: LocalFolder;
  /** Bytes when unpacked. */
  readonly unpacked: number;
}

/** What of the folder is the program; the rest of it is empty places for data. */
const shipped = ["bin", "i18n", "templates", "fonts"];
/** Beside the program: translations, templates, fonts. */
const besides = 12_000_000;
/** The web client, which only the publisher's own release has: as large as an unpacked one is. */
const client = 150_000_000;

export function mattermostServer(folder: string = toolchain().mattermost): MattermostServerFolder {
  // The folder is named by its pin, and its stamp says where it came from and how large its files are: it never changes in place.
  const identity = `${basename(folder)}\n${readFileSync(join(folder, ".olympus.json"), "utf8")}`;
  const hash = createHash("sha256").update(identity).digest("hex").slice(0, 16);
  const page = existsSync(join(folder, "client/root.html"));
  return {
    source: { localFolder: folder, hash, only: page ? [...shipped, "client"] : shipped },
    unpacked: statSync(join(folder, "bin/mattermost")).size + besides + (page ? client : 0),
  };
}
