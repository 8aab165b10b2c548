import { join } from "node:path";
import { projectRoot } from "./paths.ts";
import { quoteAll } from "./quote.ts";

/** The command that was given, once more and as root, as a line for a shell. */
export function sameAsRoot(): string {
  return `sudo ${quoteAll([join(projectRoot, "scripts/olympus"), ...process.argv.slice(2)])}`;
}

/** How the commands that come next begin: what sudo made is root's, so that they need it too. */
export function olympusWord(): string {
  return process.env.SUDO_USER ? "sudo npx olympus" : "npx olympus";
}
