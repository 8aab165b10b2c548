import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Range,
  visit,
} from "yaml";

/** Keys and list indexes from the root of the file, as zod gives them. */
export type Path = readonly PropertyKey[];

/** A place in the team file: line and column from 1, length in characters on that line. */
export interface Place {
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

/** What YAML itself has to say against the text. */
export interface SyntaxProblem {
  readonly place: Place;
  readonly message: string;
  readonly fix: string;
}

/** A team file as text and as values, with the way back from a value to its place. */
export interface TeamSource {
  readonly text: string;
  /** Plain values; undefined when the syntax problems left nothing to rely on. */
  readonly value: unknown;
  readonly syntax: readonly SyntaxProblem[];
  /** Where the key or the value at a path stands; the nearest parent where the path does not exist. */
  place(path: Path, part: "key" | "value"): Place;
  /** A line as written, from 1. */
  line(number: number): string;
}

/** More expansions of aliases than any hand-written team needs; stops files made to explode. */
const maxAliasCount = 1000;

/** Reads YAML 1.2 with positions. Never throws: what is wrong is in `syntax`. */
export function parseSource(text: string): TeamSource {
  const counter = new LineCounter();
  const doc = parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: true });
  const lines = text.split("\n");

  const placeOf = (start: number, end: number): Place => {
    const { line, col } = counter.linePos(start);
    const width = (lines[line - 1] ?? "").trimEnd().length - col + 1;
    return { line: Math.max(line, 1), column: Math.max(col, 1), length: Math.max(1, Math.min(end - start, width)) };
  };

  // What the parser says after the first error that is more than a doubled key mostly follows from it.
  const first = doc.errors.findIndex((error) => error.code !== "DUPLICATE_KEY");
  const errors = first === -1 ? doc.errors : doc.errors.slice(0, first + 1);
  const syntax: SyntaxProblem[] = [...errors, ...(first === -1 ? doc.warnings : [])].map((error) => {
    const [start, end] = error.pos;
    const word = /^[\w.-]*/.exec(text.slice(start, start + 100))?.[0] ?? "";
    return {
      place: placeOf(start, Math.max(end, start + word.length)),
      ...wording(error.code, error.message, word === "" ? text.slice(start, end) : word),
    };
  });
  const broken = first !== -1;
  const tabs = broken ? tabProblems(lines) : [];

  if (text.includes("*")) {
    visit(doc, {
      Alias(_key, alias) {
        if (alias.resolve(doc) !== undefined) return;
        const [start, end] = rangeOf(alias);
        syntax.push({
          place: placeOf(start, end),
          message: `no value is anchored as "${alias.source}"`,
          fix: `Put &${alias.source} before the value that it stands for, above this line.`,
        });
      },
    });
  }

  let value: unknown;
  if (!broken && syntax.every((problem) => !problem.message.startsWith("no value is anchored"))) {
    try {
      value = doc.toJS({ maxAliasCount });
    } catch (error) {
      syntax.push({
        place: { line: 1, column: 1, length: 1 },
        message: "the file's aliases expand without end",
        fix: error instanceof ReferenceError ? "Write the values out." : String(error),
      });
    }
  }

  return {
    text,
    value,
    syntax: tabs.length > 0 ? tabs : syntax,
    line: (number) => (lines[number - 1] ?? "").replace(/\r$/, ""),
    place(path, part) {
      let node: unknown = doc.contents;
      let found: Pair | undefined;
      let last: Range | undefined = rangeOf(node);
      for (const segment of path) {
        if (isAlias(node)) node = node.resolve(doc);
        if (isMap(node)) {
          const pair: Pair | undefined = node.items.find(
            ({ key }) => String(isScalar(key) ? key.value : key) === segment,
          );
          if (pair === undefined) break;
          found = pair;
          node = pair.value;
          last = rangeOf(pair.key);
        } else if (isSeq(node)) {
          const item: unknown = node.items[Number(segment)];
          if (item === undefined) break;
          found = undefined;
          node = item;
          last = rangeOf(item);
        } else break;
      }
      const complete = found !== undefined && String(isScalar(found.key) ? found.key.value : found.key) === path.at(-1);
      const [start, end] = complete && part === "value" && isPlain(node) ? rangeOf(node) : (last ?? [0, 1]);
      return placeOf(start, end);
    },
  };
}

/** Scalars and aliases are shown themselves; of a map or list the key is. */
function isPlain(node: unknown): node is Node {
  return (isScalar(node) && node.range?.[0] !== node.range?.[1]) || isAlias(node);
}

function rangeOf(node: unknown): Range {
  return (node as Partial<Node> | null)?.range ?? [0, 1, 1];
}

function tabProblems(lines: readonly string[]): SyntaxProblem[] {
  return lines.flatMap((line, index) => {
    const indent = /^ *\t[\t ]*/.exec(line)?.[0];
    if (indent === undefined || line.trim() === "") return [];
    const column = indent.indexOf("\t") + 1;
    return [
      {
        place: { line: index + 1, column, length: indent.length - column + 1 },
        message: "a tab in the indentation",
        fix: "Indent with spaces.",
      },
    ];
  });
}

function wording(code: string, message: string, text: string): { message: string; fix: string } {
  switch (code) {
    case "DUPLICATE_KEY":
      return { message: `"${text.trim()}" stands twice in the same map`, fix: "Remove one of them, or rename it." };
    case "MULTIPLE_DOCS":
      return { message: "a second document begins here", fix: "One file describes one team: remove the line ---." };
    case "TAB_AS_INDENT":
      return { message: "a tab in the indentation", fix: "Indent with spaces." };
    case "TAG_RESOLVE_FAILED":
      return { message: `"${text.trim()}" is not understood here`, fix: "Remove the tag." };
    case "MISSING_CHAR":
    case "BAD_INDENT": {
      const open = { "]": "[", "}": "{", '"': '"', "'": "'" }[/(?:with an? |closing )(.)/.exec(message)?.[1] ?? ""];
      if (open !== undefined) return { message: `a ${open} above is not closed`, fix: "Close it before this place." };
      return { message: plain(message), fix: "Look at indentation and quotes here and on the line above." };
    }
    default:
      return {
        message: plain(message),
        fix: "Look at indentation, colons and quotes here and on the line above.",
      };
  }
}

/** The parser's own words, begun like our messages. */
function plain(message: string): string {
  const line = message.split("\n")[0] ?? message;
  return line.charAt(0).toLowerCase() + line.slice(1);
}
