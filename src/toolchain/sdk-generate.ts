import { copyFileSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { OlympusError } from "../base/errors.ts";
import { cacheDir, projectRoot } from "../base/paths.ts";
import type { ToolLock } from "./lock.ts";
import type { Toolchain } from "./toolchain.ts";

const sdk = join(projectRoot, "sdks/libvirt");

/**
 * Writes sdks/libvirt again: schema from the pinned provider through the bridge, code from Pulumi's own generator (sdks/generate),
 * declarations from tsc. Needs Go and the installed tools. Takes under a minute.
 */
export async function generateSdk(lock: ToolLock, tools: Toolchain, signal: AbortSignal): Promise<void> {
  const work = cacheDir("tools/build/sdk");
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const env = { PULUMI_HOME: tools.pulumiHome, PULUMI_DYNAMIC_TF_PLUGIN_CACHE_DIR: tools.pluginCache };
  const options = { cwd: work, cancelSignal: signal, env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" } };
  const parameters = ["terraform-provider", "dmacvicar/libvirt", lock.tools.provider.version];
  const schema = await execa(tools.pulumi, ["package", "get-schema", ...parameters], options);
  writeFileSync(join(work, "schema.json"), schema.stdout);

  copyFileSync(join(projectRoot, "sdks/generate/main.go"), join(work, "main.go"));
  const [path, version] = lock.tools.pulumi.module.split("@");
  await execa("go", ["mod", "init", "generate"], options);
  await execa("go", ["get", `${path?.replace(/\/cmd\/pulumi$/, "")}/codegen/nodejs@${version}`], options);
  await execa("go", ["build", "-buildvcs=false", "-o", "generate", "."], options);
  rmSync(sdk, { recursive: true, force: true });
  await execa(join(work, "generate"), ["schema.json", sdk, lock.tools.bridge.published], options);
  adapt();
  const tsc = join(projectRoot, "node_modules/typescript/bin/tsc");
  const flags = [
    "--emitDeclarationOnly",
    "--sourceMap",
    "false",
    "--outDir",
    "declarations",
    "--types",
    "node",
    "--skipLibCheck",
  ];
  await execa(process.execPath, [tsc, "-p", sdk, ...flags], { cwd: sdk, cancelSignal: signal });
}

/**
 * What Olympus changes in what the generator writes. Package: dependencies that are the project's own, no install script.
 * Registration: through the SDK's `runtime.registerPackage`, because the generated one keeps the first engine's reference
 * for the whole process (stacks side by side then use the wrong one) and hangs every resource after a failed registration.
 */
function adapt(): void {
  const packageFile = join(sdk, "package.json");
  const {
    dependencies: _,
    scripts: __,
    ...rest
  } = JSON.parse(readFileSync(packageFile, "utf8")) as Record<string, unknown>;
  const adapted = { ...rest, types: "declarations/index.d.ts", peerDependencies: { "@pulumi/pulumi": "^3.142.0" } };
  writeFileSync(packageFile, `${JSON.stringify(adapted, null, 2)}\n`);
  for (const unused of ["scripts", ".gitignore", "README.md"])
    rmSync(join(sdk, unused), { recursive: true, force: true });

  // The generator relies on filepath.Rel("types", "") being "../.", which Go 1.26 shortens to "..".
  for (const name of globSync("{config,types}/*.ts", { cwd: sdk })) {
    const content = readFileSync(join(sdk, name), "utf8");
    writeFileSync(join(sdk, name), content.replace(/"\.\/(utilities|types\/)/g, '"../$1'));
  }

  const file = join(sdk, "utilities.ts");
  const source = readFileSync(file, "utf8");
  const at = source.indexOf("const _packageLock");
  const field = (name: string) => new RegExp(`\\.set${name}\\((?:Uint8Array\\.from\\(atob\\()?("[^"]*")`, "g");
  const [packageName, baseName] = [...source.matchAll(field("Name"))].map((match) => match[1]);
  const [packageVersion, baseVersion] = [...source.matchAll(field("Version"))].map((match) => match[1]);
  const [parameter] = [...source.matchAll(field("Value"))].map((match) => match[1]);
  if (at < 0 || [packageName, baseName, packageVersion, baseVersion, parameter].includes(undefined)) {
    throw new OlympusError("the generator writes the package's registration in another way than it did", {
      code: "E-SDK",
      where: file,
      hint: "look at adapt() in src/toolchain/sdk-generate.ts",
    });
  }
  const registration = `export async function getPackage(): Promise<string | undefined> {
    return runtime.registerPackage({
        baseProviderName: ${baseName},
        baseProviderVersion: ${baseVersion},
        baseProviderDownloadUrl: "",
        packageName: ${packageName},
        packageVersion: ${packageVersion},
        base64Parameter: ${parameter},
    });
}
`;
  const imports = /^import \* as (?:resproto|mutex) from .*\n/gm;
  writeFileSync(file, source.slice(0, at).replace(imports, "") + registration);
}
