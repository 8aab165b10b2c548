import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { cacheDir, projectRoot } from "../base/paths.ts";

export interface Bundle {
  /** Folder to ship: `main.mjs` and its chunks. Never changed in place. */
  readonly folder: string;
  /** Names its content: equal hash, equal files. */
  readonly hash: string;
  readonly bytes: number;
}

/** Which program: its entry in the sources and its file in the bundle. */
const programs = {
  harness: { entry: "src/harness/main.ts", file: "main" },
  rehearsal: { entry: "src/rehearsal/main.ts", file: "rehearsal" },
} as const;

/**
 * Bundles a program for Node 24 into a folder of the cache, named by its content. ES modules with splitting: what is imported
 * lazily (the models' packages) is a file of its own, which Node reads only when it is needed. Takes about 0.3 s.
 */
export async function buildBundle(program: keyof typeof programs): Promise<Bundle> {
  const { entry, file } = programs[program];
  const result = await build({
    absWorkingDir: projectRoot,
    entryPoints: { [file]: entry },
    outdir: "out",
    outExtension: { ".js": ".mjs" },
    chunkNames: "[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    minify: true,
    // Names in stack traces of an agent's log are worth their few bytes.
    keepNames: false,
    legalComments: "none",
    write: false,
    treeShaking: true,
    logLevel: "silent",
    // CommonJS packages in an ES module still want `require`.
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  });
  const files = result.outputFiles
    .map((output) => ({ name: output.path.slice(output.path.lastIndexOf("/") + 1), content: output.contents }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const digest = createHash("sha256");
  for (const { name, content } of files) digest.update(`${name}\0${content.length}\0`).update(content);
  const hash = digest.digest("hex").slice(0, 16);
  const bytes = files.reduce((sum, { content }) => sum + content.length, 0);
  const folder = cacheDir(program, hash);
  if (!(await isWhole(folder, files))) await writeFolder(folder, files);
  return { folder, hash, bytes };
}

type Files = readonly { name: string; content: Uint8Array }[];

async function isWhole(folder: string, files: Files): Promise<boolean> {
  if (!existsSync(folder)) return false;
  const names = await readdir(folder);
  if (names.length !== files.length) return false;
  for (const { name, content } of files) {
    if (!names.includes(name) || (await stat(join(folder, name))).size !== content.length) return false;
    if (!(await readFile(join(folder, name))).equals(content)) return false;
  }
  return true;
}

/** Written beside and renamed: an interrupted build leaves no half folder under a name that promises a content. */
async function writeFolder(folder: string, files: Files): Promise<void> {
  const parent = join(folder, "..");
  await mkdir(parent, { recursive: true });
  const fresh = await mkdtemp(join(parent, ".new-"));
  for (const { name, content } of files) await writeFile(join(fresh, name), content, { mode: 0o644 });
  await rm(folder, { recursive: true, force: true });
  await rename(fresh, folder);
}
