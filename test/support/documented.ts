import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { projectRoot } from "../../src/base/paths.ts";

/** A command as a page shows it. */
export interface DocumentedCommand {
  /** `README.md:31`. */
  readonly where: string;
  /** As written, without a trailing comment. */
  readonly text: string;
  /** Words after `olympus`; `npm run role -- setup x` reads as `role setup x`. Undefined for scripts and other programs. */
  readonly olympus: readonly string[] | undefined;
}

const pages = (): string[] => [
  join(projectRoot, "README.md"),
  ...readdirSync(join(projectRoot, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md") && !name.startsWith("decisions"))
    .map((name) => join(projectRoot, "docs", name)),
];

/** Every command that README and docs show, in code blocks and in running text. */
export function documentedCommands(): DocumentedCommand[] {
  return pages().flatMap((page) => {
    const found: DocumentedCommand[] = [];
    let fenced = false;
    readFileSync(page, "utf8")
      .split("\n")
      .forEach((line, index) => {
        const where = `${relative(projectRoot, page)}:${index + 1}`;
        if (line.trim().startsWith("```")) {
          fenced = !fenced;
          return;
        }
        const candidates = fenced ? [line.trim()] : [...line.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
        for (const candidate of candidates) {
          const command = parse(candidate.replace(/\s{2,}#.*$/, "").trim());
          if (command !== undefined) found.push({ where, ...command });
        }
      });
    return found;
  });
}

/** Words of a line after `olympus`, what stands in quotes as one. */
export function wordsOf(text: string): string[] {
  const words = (text.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ""));
  return words.slice(words.indexOf("olympus") + 1);
}

function parse(text: string): Omit<DocumentedCommand, "where"> | undefined {
  if (/^(npx )?olympus /.test(text)) return { text, olympus: wordsOf(text) };
  const npm = /^npm run (?:-s )?(role|bench) -- /.exec(text);
  if (npm !== null) return { text, olympus: [npm[1]!, ...wordsOf(text.slice(npm[0].length))] };
  if (/^scripts\/\w+/.test(text)) return { text, olympus: undefined };
  return undefined;
}
