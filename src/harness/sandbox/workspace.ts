import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freeSpace, removeTree } from "./disk.ts";
import { etcContents } from "./mounts.ts";

/** The folders of one run. */
export interface Workspace {
  readonly folder: string;
  readonly work: string;
  readonly home: string;
  readonly output: string;
  readonly etc: string;
}

/** Workspaces of former runs that are kept, for people to look at. */
const kept = 10;

/** Free space that commands never take, MiB: the database's. */
export const reserve = 256;

/** Makes a run's folders under `root`, or finds those that a former process made. */
export async function openWorkspace(root: string, run: string): Promise<Workspace> {
  const folder = join(root, folderName(run));
  const workspace = {
    folder,
    work: join(folder, "work"),
    home: join(folder, "home"),
    output: join(folder, "output"),
    etc: join(folder, "etc"),
  };
  for (const path of [workspace.work, workspace.home, workspace.output, workspace.etc])
    await mkdir(path, { recursive: true, mode: 0o700 });
  for (const [name, content] of Object.entries(etcContents)) await writeFile(join(workspace.etc, name), content);
  return workspace;
}

/** Removes the oldest workspaces but those in use, until few enough are left and a new one has room (`room` in MiB). */
export async function sweepWorkspaces(root: string, inUse: ReadonlySet<string>, room: number): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  const using = new Set([...inUse].map(folderName));
  const old: { path: string; at: number }[] = [];
  for (const name of await readdir(root)) {
    const path = join(root, name);
    if (!using.has(name)) old.push({ path, at: (await stat(path)).mtimeMs });
  }
  old.sort((a, b) => a.at - b.at);
  while (old.length > 0 && (old.length > kept || (await freeSpace(root)).bytes < (room + reserve) * 1024 * 1024))
    await removeTree(old.shift()!.path);
}

/** Runs are named after ids of the chat server: letters and digits; anything else must not name a path. */
function folderName(run: string): string {
  return run.replace(/[^A-Za-z0-9_-]/g, "_");
}
