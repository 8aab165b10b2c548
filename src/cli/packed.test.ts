import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { projectRoot } from "../base/paths.ts";
import { packedFile, packedPackages } from "./packed.ts";

/** Names that sources import from a package, as values. */
function importedNames(name: string): string[] {
  const files = ["src", "secrets", "roles", "stacks"].flatMap((folder) =>
    readdirSync(join(projectRoot, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
      .map((file) => join(projectRoot, folder, file)),
  );
  const statement = new RegExp(`import (?!type )\\{([^}]+)\\} from "${name}"`, "g");
  return files.flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(statement)].flatMap(([, list]) =>
      list!
        .split(",")
        .map((one) => one.trim().split(" as ")[0]!)
        .filter((one) => one !== "" && !one.startsWith("type ")),
    ),
  );
}

it.each(packedPackages)("%s is packed with all that is imported from it (npm run prepare packs)", async (name) => {
  const packed = (await import(pathToFileURL(packedFile(name)).href)) as Record<string, unknown>;
  expect(Object.keys(packed)).toEqual(expect.arrayContaining(importedNames(name)));
  if (name === "ssh2") expect(packed.default).toHaveProperty("Client");
});
