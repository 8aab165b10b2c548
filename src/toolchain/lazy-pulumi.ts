import Module, { createRequire } from "node:module";

/**
 * `@pulumi/pulumi` loads TypeScript and npm's dependency resolver at once, two thirds of its start-up, for serialising functions,
 * which nothing here does. Call this before it is loaded: those parts are then loaded when they are first used, as they are, if ever.
 */
export function loadPulumiLazily(): void {
  const require = createRequire(import.meta.resolve("@pulumi/pulumi"));
  for (const name of ["./typescript-shim.js", "@npmcli/arborist", "normalize-package-data"]) {
    let file: string;
    try {
      file = require.resolve(name);
    } catch {
      // Another version of the SDK without that part: nothing to spare.
      continue;
    }
    if (require.cache[file] !== undefined) continue;
    const placeholder = new Module(file);
    placeholder.filename = file;
    placeholder.loaded = true;
    placeholder.exports = standIn(() => {
      if (require.cache[file] === placeholder) delete require.cache[file];
      return require(file) as Record<PropertyKey, unknown>;
    });
    require.cache[file] = placeholder;
  }
}

/** Answers like the module that `load` gives, which it calls at the first real question. Claims to be a compiled ES module, so that importers keep it as it is. */
function standIn(load: () => Record<PropertyKey, unknown>): object {
  return new Proxy(
    {},
    {
      get: (_target, name) => {
        if (name === "__esModule") return true;
        const real = load();
        return name === "default" && real.default === undefined ? real : real[name];
      },
      has: (_target, name) => name in load(),
      ownKeys: () => Reflect.ownKeys(load()),
      getOwnPropertyDescriptor: (_target, name) => {
        const found = Reflect.getOwnPropertyDescriptor(load(), name);
        return found && { ...found, configurable: true };
      },
    },
  );
}
