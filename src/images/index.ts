import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { withFileLock } from "../base/lock.ts";
import { cacheDir } from "../base/paths.ts";
import { type Reporter, withStep } from "../base/report.ts";
import { buildRecipe } from "./build.ts";
import { download } from "./download.ts";
import { imageIdentity, imageSource, recipeFolders } from "./identity.ts";
import { placeImage } from "./place.ts";

export { imageIdentity } from "./identity.ts";

export interface ImageOptions {
  readonly reporter: Reporter;
  readonly signal?: AbortSignal | undefined;
  /** APT lines to build from; this computer's own unless given. */
  readonly packages?: readonly string[];
}

export interface BuiltImage {
  /** A qcow2 file that boots by itself. */
  readonly path: string;
  readonly identity: string;
}

/** Where an image lies once it is made, whether or not it is there. */
export function imagePath(identity: string): string {
  return cacheDir("images", identity, "image.qcow2");
}

/**
 * Gives an image from the cache, or makes it (recipe: one to two minutes; address: one download).
 * An interrupted build leaves nothing that would be used. Two processes that want the same image build it once.
 */
export async function ensureImage(name: string, options: ImageOptions): Promise<BuiltImage> {
  const known = imageIdentity(name);
  if (known !== undefined && existsSync(imagePath(known))) return { path: imagePath(known), identity: known };
  const folder = cacheDir("images");
  await mkdir(folder, { recursive: true });
  const waiting = (holder: number) =>
    options.reporter.info(`image ${name}: process ${holder} makes it, waiting for that`);
  return withFileLock(join(folder, `${name}.lock`), { signal: options.signal, waiting }, async () => {
    if (known !== undefined && existsSync(imagePath(known))) return { path: imagePath(known), identity: known };
    await removeUnfinished(folder, name);
    return withStep(options.reporter, `image ${name}`, async (step) => {
      const staging = join(folder, `${name}.${process.pid}.part`);
      await mkdir(staging, { recursive: true });
      try {
        const source = imageSource(name);
        const summary =
          source.kind === "recipe"
            ? await buildRecipe({ ...options, layers: recipeFolders(source.recipe), staging, step })
            : await download({ ...options, source, target: join(staging, "image.qcow2"), step });
        const identity = imageIdentity(name)!;
        await placeImage(staging, cacheDir("images", identity));
        return { value: { path: imagePath(identity), identity }, summary: `${identity}, ${summary}` };
      } catch (error) {
        await rm(staging, { recursive: true, force: true });
        throw error;
      }
    });
  });
}

/** What killed builds left behind. The lock is held, so nobody else is building this image. */
async function removeUnfinished(folder: string, name: string): Promise<void> {
  for (const entry of await readdir(folder)) {
    if (entry.startsWith(`${name}.`) && entry.endsWith(".part")) {
      await rm(join(folder, entry), { recursive: true, force: true });
    }
  }
}
