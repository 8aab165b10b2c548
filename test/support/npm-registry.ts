import { createHash } from "node:crypto";
import { tarball } from "./archives.ts";
import { type Publisher, whole } from "./publisher.ts";

type Texts = Readonly<Record<string, string>>;

/** Puts a package onto a local server as npm's registry would have it. `files` are beside its package.json. */
export function publishPackage(
  publisher: Publisher,
  manifest: {
    readonly name: string;
    readonly version: string;
    readonly description?: string;
    readonly bin?: Texts;
    readonly scripts?: Texts;
    readonly dependencies?: Texts;
  },
  files: Texts,
): void {
  const { name, version } = manifest;
  const packed = tarball({
    "package/package.json": JSON.stringify({ type: "module", ...manifest }),
    ...Object.fromEntries(Object.entries(files).map(([path, content]) => [`package/${path}`, content])),
  });
  const path = `/${name}/-/${name.replace("/", "-")}-${version}.tgz`;
  const integrity = `sha512-${createHash("sha512").update(packed).digest("base64")}`;
  const dist = { tarball: publisher.url + path, integrity };
  publisher.routes.set(path, [whole(packed)]);
  publisher.routes.set(`/${name.replace("/", "%2f")}`, [
    whole(JSON.stringify({ name, "dist-tags": { latest: version }, versions: { [version]: { ...manifest, dist } } })),
  ]);
}
