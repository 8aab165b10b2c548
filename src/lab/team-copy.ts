import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Document, parseDocument } from "yaml";
import type { Reporter } from "../base/report.ts";
import { layout } from "./layout.ts";
import { writeWhole } from "./state.ts";

interface Origin {
  /** Absolute path of the team file that was copied. */
  readonly source: string;
  readonly sourceHash: string;
  /** Hash of the copy as last written by us. */
  readonly writtenHash: string;
  /** APT lines that we filled in, to tell them from a person's. */
  readonly debian: readonly string[];
}

export interface ChosenTeam {
  /** Absolute path of the file that the working copy is a copy of. */
  readonly source: string;
  /** Where `text` stands: the source, or the working copy. */
  readonly file: string;
  readonly text: string;
  /** APT lines in the text that are ours from an earlier run. */
  readonly filledBefore: readonly string[];
}

export interface Filled {
  /** Pinned host keys of the hypervisors. */
  readonly hostKeys: Readonly<Record<string, string>>;
  /** APT lines for guests. */
  readonly debian: readonly string[];
  /** Package cache for guests, as an address. */
  readonly proxy: string;
}

/**
 * Chooses what the lab runs: the file named by `--team`, else the working copy when a person has edited it, else the file it was
 * made from, else the example.
 */
export async function chooseTeam(named: string | undefined, reporter: Reporter): Promise<ChosenTeam> {
  const origin = existsSync(layout.origin) ? (JSON.parse(await readFile(layout.origin, "utf8")) as Origin) : undefined;
  const wanted = named === undefined ? undefined : resolve(named);
  const source = wanted === undefined || wanted === layout.team ? (origin?.source ?? layout.example) : wanted;
  const fromSource = async (): Promise<ChosenTeam> => ({
    source,
    file: source,
    text: await readFile(source, "utf8"),
    filledBefore: [],
  });
  if (origin === undefined || !existsSync(layout.team)) return fromSource();
  const text = await readFile(layout.team, "utf8");
  const copy: ChosenTeam = { source, file: layout.team, text, filledBefore: origin.debian };
  if (wanted === layout.team || !existsSync(source)) return copy;
  if (source === origin.source && hash(await readFile(source, "utf8")) === origin.sourceHash) return copy;
  const edited = hash(text) !== origin.writtenHash;
  if (edited && wanted === undefined) {
    reporter.warn(`${source} has changed, but so has ${layout.team}, which is used; --team ${source} replaces it`);
    return copy;
  }
  if (edited) reporter.warn(`${layout.team} had edits of its own; it is now a copy of ${source}`);
  return fromSource();
}

/** Writes the working copy, comments kept, with what only the lab knows filled in. Gives whether it changed. */
export async function writeCopy({ source, file, text }: ChosenTeam, filled: Filled): Promise<boolean> {
  const document = parseDocument(text);
  setIfOther(document, ["secrets"], "secrets.enc.yaml");
  for (const [name, key] of Object.entries(filled.hostKeys))
    setIfOther(document, ["hypervisors", name, "hostKey"], key);
  if (filled.debian.length > 0) setIfOther(document, ["network", "packages", "debian"], filled.debian);
  if (document.getIn(["network", "packages", "proxy"]) === undefined)
    setIfOther(document, ["network", "packages", "proxy"], filled.proxy);
  const written = document.toString({ lineWidth: 0 });
  const before = existsSync(layout.origin) ? (JSON.parse(await readFile(layout.origin, "utf8")) as Origin) : undefined;
  // Edits of a person stay edits: the hash of what we last wrote whole moves on only when we wrote from the source.
  const fromCopy = file === layout.team && before !== undefined;
  const edited = fromCopy && hash(text) !== before.writtenHash;
  const origin: Origin = {
    source,
    sourceHash: fromCopy ? before.sourceHash : hash(text),
    writtenHash: edited ? before.writtenHash : hash(written),
    debian: filled.debian,
  };
  const changed = await writeWhole(layout.team, written);
  await writeWhole(layout.origin, `${JSON.stringify(origin, null, 2)}\n`);
  return changed;
}

function setIfOther(document: Document, path: readonly string[], value: unknown): void {
  const now = document.getIn(path);
  const plain = now !== null && typeof now === "object" && "toJSON" in now ? (now.toJSON as () => unknown)() : now;
  if (JSON.stringify(plain) !== JSON.stringify(value)) document.setIn(path, document.createNode(value));
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
