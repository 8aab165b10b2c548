import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type ImageSource, images } from "../../vm-templates/images.ts";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { projectRoot } from "../base/paths.ts";
import { readDownloadLock } from "./download-lock.ts";

/** The image that a machine names. Throws E-IMAGE-UNKNOWN. */
export function imageSource(name: string): ImageSource {
  const source = images[name];
  if (source !== undefined) return source;
  throw new OlympusError(`there is no image "${name}"`, {
    code: "E-IMAGE-UNKNOWN",
    exit: exitCodes.usage,
    where: "vm-templates/images.ts",
    hint: `known: ${Object.keys(images).join(", ")}`,
  });
}

/** The folders of a recipe, the first one's content first. */
export function recipeFolders(recipe: readonly string[]): string[] {
  return recipe.map((name) => join(projectRoot, "vm-templates", name));
}

/**
 * What an image is, in 12 hex digits: the hash of its recipe (package list, package lock, files, scripts) or of the
 * checksum given for its address. Never a hash of built bytes, so two people who build it call it the same.
 * Undefined for an address whose checksum is not known before its first download.
 */
export function imageIdentity(name: string): string | undefined {
  const source = imageSource(name);
  if (source.kind === "recipe") return recipeHash(recipeFolders(source.recipe));
  return (source.sha256 ?? readDownloadLock()[source.url]?.sha256)?.slice(0, 12);
}

/** Raised when src/images makes something else of the same recipe. */
const builder = "3";

function recipeHash(folders: readonly string[]): string {
  const hash = createHash("sha256").update(builder);
  for (const folder of folders) {
    const names = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    for (const name of names.sort()) {
      hash
        .update(`${name.slice(folder.length)}\0`)
        .update(readFileSync(name))
        .update("\0");
    }
  }
  return hash.digest("hex").slice(0, 12);
}
