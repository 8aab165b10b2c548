import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isMap, parse, parseDocument } from "yaml";
import { projectRoot } from "../../src/base/paths.ts";
import { wordsOf } from "./documented.ts";

/** One thing that a page tells its reader to do. */
export interface PageStep {
  /** As written. */
  readonly text: string;
  /** What is to be written into the team file; undefined for a command. */
  readonly yaml?: string;
  /** Words after `olympus`. */
  readonly words: readonly string[];
}

/** The steps of docs/how-to/<page>.md, in its order: blocks of YAML, and each line of blocks of commands. */
export function stepsOf(page: string): PageStep[] {
  const text = readFileSync(join(projectRoot, "docs", "how-to", `${page}.md`), "utf8");
  return [...text.matchAll(/^( *)```(\w*)\n([\s\S]*?)^ *```$/gm)].flatMap(([, indent, language, body]): PageStep[] => {
    const lines = body!.split("\n").map((line) => line.slice(indent!.length));
    if (language === "yaml") return [{ text: body!, yaml: lines.join("\n"), words: [] }];
    return lines.filter((line) => line !== "").map((line) => ({ text: line, words: wordsOf(line) }));
  });
}

/** A team file with a page's fragment in it: new entries are added, values of those that are there replaced. */
export function withFragment(team: string, fragment: string): string {
  const document = parseDocument(team);
  const put = (path: readonly string[], value: unknown): void => {
    const deeper = value !== null && typeof value === "object" && !Array.isArray(value);
    if (deeper && (path.length === 0 || isMap(document.getIn(path)))) {
      for (const [key, inner] of Object.entries(value)) put([...path, key], inner);
    } else document.setIn(path, document.createNode(value));
  };
  put([], parse(fragment));
  return document.toString({ lineWidth: 0 });
}
