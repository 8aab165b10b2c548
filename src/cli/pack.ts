import { rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { projectRoot } from "../base/paths.ts";
import { packedFile, packedPackages } from "./packed.ts";

/** Run when packages are installed (`prepare` in package.json): packs those that commands load into one file each. */

/** What of a package is packed, where that is not simply all of it as Node would load it. */
const entries: Partial<Record<(typeof packedPackages)[number], string>> = {
  // Without its server and its agents for HTTP, which load half of Node's own library.
  ssh2: 'import Client from "ssh2/lib/client.js"; export default { Client };',
  // Node is given CommonJS, whose names are not known before it runs.
  yaml: `export * from ${JSON.stringify(join(projectRoot, "node_modules/yaml/browser/index.js"))};`,
};

for (const name of packedPackages) {
  const outfile = packedFile(name);
  await build({
    stdin: { contents: entries[name] ?? `export * from "${name}";`, resolveDir: projectRoot },
    outfile: `${outfile}.new`,
    bundle: true,
    // Identifiers stay: names that are kept in spite of it cost a call for each function when the file is loaded.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    format: "esm",
    platform: "node",
    conditions: ["import", "module"],
    banner: {
      js: `import { createRequire as packedRequire } from "node:module"; const require = packedRequire(import.meta.url);`,
    },
    plugins: [
      {
        name: "zod speaks English",
        setup({ onLoad }) {
          onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
            contents: 'export { default as en } from "./en.js";',
            resolveDir: join(projectRoot, "node_modules/zod/v4/locales"),
          }));
        },
      },
      {
        name: "native parts stay where they are",
        setup({ onResolve }) {
          onResolve({ filter: /\.node$/ }, ({ path, resolveDir }) => ({
            path: join(resolveDir, path),
            external: true,
          }));
        },
      },
    ],
    define: { __dirname: JSON.stringify(dirname(outfile)) },
    logLevel: "error",
  });
  await rename(`${outfile}.new`, outfile);
}
