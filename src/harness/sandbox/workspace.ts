import { mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { freeSpace, hasReserve, removeTree, reserve, usage } from "./disk.ts";

/** The folders of one run. */
export interface Workspace {
  readonly folder: string;
  /** Holds the workspace. */
  readonly home: string;
  readonly work: string;
  /** In the home: what people are to get. */
  readonly attach: string;
  readonly output: string;
}

/** Workspaces of former runs that are kept, for people to look at. */
const kept = 10;

/** In the same folder: what all runs see as /etc. No run is named so. */
export const etcFolder = ".etc";

/** Makes a run's folders under `root`, or finds those that a former process made. */
export async function openWorkspace(root: string, run: string): Promise<Workspace> {
  const folder = join(root, folderName(run));
  const home = join(folder, "home");
  const work = join(home, "workspace");
  const workspace = { folder, home, work, attach: attachFolder(root, run), output: join(folder, "output") };
  for (const path of [work, workspace.attach, workspace.output]) await mkdir(path, { recursive: true, mode: 0o700 });
  return workspace;
}

/** Where an agent keeps the workspaces of its runs. */
export function workspacesOf({ dataDir }: { readonly dataDir: string }): string {
  return join(dataDir, "workspaces");
}

/** Of a run, whether it has a workspace or not. */
export function attachFolder(root: string, run: string): string {
  return join(root, folderName(run), "home", "attach");
}

/** Removes a run's folders, where it has any. */
export async function dropWorkspace(root: string, run: string): Promise<void> {
  await removeTree(join(root, folderName(run)));
}

/** Removes the oldest workspaces but those in use, until few enough are left and a new one has room (`room` in MiB). */
export async function sweepWorkspaces(root: string, inUse: ReadonlySet<string>, room: number): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  const using = new Set([...inUse].map(folderName));
  const old: { path: string; at: number }[] = [];
  for (const name of await readdir(root)) {
    if (name === etcFolder) continue;
    const path = join(root, name);
    if (!using.has(name)) old.push({ path, at: (await stat(path)).mtimeMs });
  }
  old.sort((a, b) => a.at - b.at);
  while (old.length > 0 && (old.length > kept || (await freeSpace(root)).bytes < (room + reserve) * 1024 * 1024))
    await removeTree(old.shift()!.path);
}

/** Removes whatever a run has stored, and gives it empty folders. */
export async function emptyWorkspace(root: string, run: string): Promise<void> {
  await removeTree(join(root, folderName(run)));
  await openWorkspace(root, run);
}

/** Removes the largest workspaces, whosever, until the reserve is there. To be called while no command runs. */
export async function makeRoom(root: string): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  const all: { path: string; bytes: number }[] = [];
  for (const name of await readdir(root)) {
    const path = join(root, name);
    all.push({
      path,
      bytes: (await usage(path, { bytes: Number.POSITIVE_INFINITY, files: Number.POSITIVE_INFINITY })).bytes,
    });
  }
  all.sort((a, b) => a.bytes - b.bytes);
  while (all.length > 0 && !(await hasReserve(root))) await removeTree(all.pop()!.path);
}

/** Runs are named after ids of the chat server: letters and digits; anything else must not name a path. */
function folderName(run: string): string {
  return run.replace(/[^A-Za-z0-9_-]/g, "_");
}
