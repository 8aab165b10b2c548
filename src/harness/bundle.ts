import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { cacheDir, projectRoot } from "../base/paths.ts";

export interface Bundle {
  /** Folder to ship: `main.mjs` and its chunks. Never changed in place. */
  readonly folder: string;
  /** Names its content: equal hash, equal files. */
  readonly hash: string;
  readonly bytes: number;
}

/**
 * The programs, each a list of builds: file in the bundle and entry in the sources. The models' packages are a build of their own
 * with their own copy of what both sides use (zod): sharing it would make the idle harness hold all of it, 12 MB more.
 */
const programs = {
  harness: { main: "src/harness/main.ts", models: "src/harness/model/sdk.ts" },
  rehearsal: { rehearsal: "src/rehearsal/main.ts" },
  forge: { forge: "src/rehearsal/forge/main.ts" },
} as const;

/** Leaves `import("./sdk.ts")` to the other build's file. */
const modelsApart: Plugin = {
  name: "models-apart",
  setup(builder) {
    builder.onResolve({ filter: /^\.\/sdk\.ts$/ }, ({ kind }) =>
      kind === "dynamic-import" ? { path: "./models.mjs", external: true } : undefined,
    );
  },
};

/**
 * Bundles a program for Node 24 into a folder of the cache, named by its content. ES modules with splitting: what is imported
 * lazily (each provider's package) is a file of its own, which Node reads only when it is needed. Takes about 0.5 s.
 */
export async function buildBundle(program: keyof typeof programs): Promise<Bundle> {
  const builds = await Promise.all(
    Object.entries(programs[program]).map(([file, entry]) =>
      build({
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
        legalComments: "none",
        write: false,
        treeShaking: true,
        logLevel: "silent",
        plugins: [modelsApart],
        // CommonJS packages in an ES module still want `require`.
        banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
      }),
    ),
  );
  const files = builds
    .flatMap((result) => result.outputFiles)
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
  await chmod(fresh, 0o755);
  for (const { name, content } of files) await writeFile(join(fresh, name), content, { mode: 0o644 });
  await rm(folder, { recursive: true, force: true });
  await rename(fresh, folder);
}
