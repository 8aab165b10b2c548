import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../base/paths.ts";
import { teamFilePage } from "./docs.ts";
import { teamJsonSchema } from "./json-schema.ts";

// Writes the two reference files that are made from the schema; a test says when they are old.
const folder = join(projectRoot, "docs", "reference");
writeFileSync(join(folder, "team.schema.json"), `${JSON.stringify(teamJsonSchema(), null, 2)}\n`);
writeFileSync(join(folder, "team-file.md"), teamFilePage(teamJsonSchema()));
