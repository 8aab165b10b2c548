import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../base/paths.ts";
import { commandPage } from "./command-page.ts";
import { groups } from "./help.ts";
import { loadCommands } from "./load-commands.ts";

// Writes the reference page that is made from the commands; a test says when it is old.
writeFileSync(join(projectRoot, "docs", "reference", "commands.md"), commandPage(groups, await loadCommands()));
