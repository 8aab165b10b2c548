import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { projectRoot } from "../base/paths.ts";

const stampName = ".sources";

/**
 * Compiles sdks/libvirt into its git-ignored bin/: the generated code imports without extensions, which type stripping cannot load.
 * Returns false when bin/ was made from these very sources already.
 */
export async function compileSdk(sdk: string = join(projectRoot, "sdks/libvirt")): Promise<boolean> {
  const sources = globSync("**/*.ts", {
    cwd: sdk,
    exclude: (name) => /^(bin|declarations|node_modules)$/.test(name),
  }).sort();
  const hash = createHash("sha256");
  for (const file of ["package.json", ...sources]) hash.update(`${file}\0`).update(readFileSync(join(sdk, file)));
  const wanted = hash.digest("hex");
  const stamp = join(sdk, "bin", stampName);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return false;

  // Not esbuild: it replaces `module.exports`, and the generated code adds its lazy members to the `exports` it was started with.
  const { default: typescript } = await import("typescript");
  const staging = join(sdk, `bin.${process.pid}.part`);
  const compilerOptions = {
    target: typescript.ScriptTarget.ES2022,
    module: typescript.ModuleKind.CommonJS,
    esModuleInterop: false,
  };
  for (const file of sources) {
    const { outputText } = typescript.transpileModule(readFileSync(join(sdk, file), "utf8"), { compilerOptions });
    const target = join(staging, file.replace(/\.ts$/, ".js"));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
  // The generated code reads its own version from beside itself.
  writeFileSync(join(staging, "package.json"), readFileSync(join(sdk, "package.json")));
  writeFileSync(join(staging, stampName), wanted);
  rmSync(join(sdk, "bin"), { recursive: true, force: true });
  renameSync(staging, join(sdk, "bin"));
  return true;
}
