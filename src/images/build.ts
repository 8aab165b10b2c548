import { existsSync, readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa, type Options } from "execa";
import { OlympusError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import type { Reporter, Step } from "../base/report.ts";
import { readAptSources } from "./apt-sources.ts";
import { makeDisk } from "./disk.ts";
import { aptPins, lockDifferences, parsePackageLock, readPackageLock } from "./package-lock.ts";

export interface BuildOptions {
  /** Folders of the recipe: packages.txt, packages.lock (the last one's counts), files/, customize.sh; the latter three if there. */
  readonly layers: readonly string[];
  /** Folder for everything of this build; the caller moves or removes it. */
  readonly staging: string;
  readonly reporter: Reporter;
  readonly step: Step;
  readonly signal?: AbortSignal | undefined;
  readonly packages?: readonly string[];
}

const release = "bookworm";

/**
 * Builds a recipe into `staging/image.qcow2`, with the packages' versions beside it. Needs root: a root folder of
 * foreign ownership and one loop mount. Gives a summary for people. Throws E-IMAGE-ROOT, E-IMAGE-BUILD.
 */
export async function buildRecipe(options: BuildOptions): Promise<string> {
  if (process.getuid?.() !== 0) {
    throw new OlympusError("building an image needs root's rights, once", {
      code: "E-IMAGE-ROOT",
      hint: "Run the same command with sudo, or name the image debian-12-cloud in the team file: it is downloaded.",
    });
  }
  const { layers, staging, step } = options;
  const root = join(staging, "root");
  const sources = await readAptSources(release);
  const lines = options.packages?.length ? options.packages : sources.lines;
  const lock = readPackageLock(layers.at(-1)!);
  if (lock !== undefined) await writeFile(join(staging, "pins"), aptPins(lock));
  const include = layers.flatMap((layer) =>
    readFileSync(join(layer, "packages.txt"), "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#")),
  );

  step.update(`installing ${include.length} packages and what they need`);
  await run(options, "mmdebstrap", [
    "--mode=root",
    "--variant=minbase",
    "--format=directory",
    `--include=${include.join(",")}`,
    ...["Acquire::Languages=none", ...sources.options].map((option) => `--aptopt=${option.replace(/=(.*)$/, ' "$1"')}`),
    ...(lock === undefined ? [] : [`--aptopt=Dir::Etc::Preferences "${join(staging, "pins")}"`]),
    ...["doc", "man", "locale", "info"].map((part) => `--dpkgopt=path-exclude=/usr/share/${part}/*`),
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    ...parts(layers, "files").map((files) => `--customize-hook=cp -r --no-preserve=ownership ${quote(files)}/. "$1"/`),
    ...parts(layers, "customize.sh").flatMap((script) => [
      `--customize-hook=cp ${quote(script)} "$1"/tmp/customize.sh`,
      '--customize-hook=chroot "$1" sh /tmp/customize.sh',
      '--customize-hook=rm "$1"/tmp/customize.sh',
    ]),
    release,
    root,
    ...lines,
  ]);

  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const { stdout } = await run(options, "dpkg-query", ["--root", root, "-W", "-f", "${Package} ${Version}\n"]);
  await writeFile(join(staging, "packages.lock"), `${stdout}\n`);
  const differences = lock === undefined ? [] : lockDifferences(lock, parsePackageLock(stdout));
  if (differences.length > 0) {
    options.reporter.warn(
      `the archive has other versions than the recipe's lock for ${differences.length} packages, ${differences[0]} first; ` +
        `what was taken stands in packages.lock beside the image`,
    );
  }

  step.update("making the disk");
  await makeDisk({ root, staging, run: (program, args) => run(options, program, args) });
  await rm(root, { recursive: true, force: true });
  if (!existsSync(join(staging, "image.qcow2"))) throw new Error("qemu-img made no image");
  return `${parsePackageLock(stdout).size} packages`;
}

/** Runs a program of the build; its output goes to staging/build.log's place in the error. */
async function run(options: BuildOptions, program: string, args: readonly string[]): Promise<{ stdout: string }> {
  const settings = {
    env: { LC_ALL: "C.UTF-8", SOURCE_DATE_EPOCH: "946684800" },
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
  } satisfies Options;
  try {
    const { stdout } = await execa(program, args, settings);
    return { stdout };
  } catch (error) {
    if (options.signal?.aborted) throw error;
    const output = (error as { stderr?: string }).stderr ?? "";
    throw new OlympusError(
      `${program} failed while the image was built: ${output.trim().split("\n").slice(-6).join("\n")}`,
      {
        code: "E-IMAGE-BUILD",
        hint: "Is the package archive reachable, and are mmdebstrap, extlinux and qemu-utils installed?",
        cause: error,
      },
    );
  }
}

/** What of this name the layers have. */
function parts(layers: readonly string[], name: string): string[] {
  return layers.map((layer) => join(layer, name)).filter((path) => existsSync(path));
}
