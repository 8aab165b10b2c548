import type { Stats } from "node:fs";
import { lstat, opendir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { shownName } from "./attachments.ts";
import type { NewFile } from "./chat-port.ts";

/** Of one answer. */
const mostFiles = 5;
const mib = 1024 * 1024;
const mostBytes = 4 * mib;
const mostInAll = 8 * mib;
/** Entries that are looked at, and that people are told of one by one: a command may make as many as it likes. */
const mostEntries = 1000;
const mostNamed = 20;

/** What people open by looking at it, or unpack themselves: nothing that runs when it is clicked. */
const kinds =
  /^\.(txt|md|log|csv|tsv|json|jsonl|ya?ml|toml|ini|conf|sql|sh|py|ts|js|go|rs|c|h|java|diff|patch|tf|tex|png|jpe?g|gif|webp|pdf|zip|gz|tgz|xz|zst|tar|odt|ods|docx|xlsx|pptx)$/i;

/** The same in words, for a model. */
export const outgoingRules = `at most ${mostFiles} files of up to ${mostBytes / mib} MiB, ${mostInAll / mib} MiB in all: text, tables, source, images, PDF, archives, office documents`;

export interface Outgoing {
  readonly files: readonly NewFile[];
  /** What is not attached, and why, for people. */
  readonly left: readonly string[];
}

/**
 * What a run has put into the folder of files for people. To be called when nothing of the run is left running: then nobody can change
 * a file into a link while it is looked at. Links are never followed; a folder that is none, or is a link itself, holds nothing.
 */
export async function readOutgoing(folder: string, holdsSecret: (text: string) => boolean): Promise<Outgoing> {
  if (!(await statOf(folder))?.isDirectory()) return { files: [], left: [] };
  const files: NewFile[] = [];
  const left: string[] = [];
  let room = mostInAll;
  const names = await namesIn(folder);
  for (const name of names.slice(0, mostEntries).sort()) {
    const path = join(folder, name);
    const shown = shownName(name).replace(/^\.+/, "_");
    if (holdsSecret(name) || holdsSecret(shown)) {
      left.push("a file whose name holds a secret");
      continue;
    }
    const why = refusal(shown, await statOf(path), files.length, room);
    const read = why === undefined ? await readFile(path) : undefined;
    if (read === undefined) left.push(`\`${shown}\` (${why})`);
    // What is no text is looked at byte by byte.
    else if (holdsSecret(read.toString("latin1"))) left.push(`\`${shown}\` (it holds a secret)`);
    else {
      room -= read.length;
      files.push({ name: shown, base64: read.toString("base64") });
    }
  }
  if (names.length > mostEntries) left.push(`whatever else there is: only ${mostEntries} entries are looked at`);
  const named = left.slice(0, mostNamed);
  return { files, left: left.length > mostNamed ? [...named, `and ${left.length - mostNamed} more`] : left };
}

/** Names, one more than are looked at where there are more. */
async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of await opendir(folder)) {
    names.push(name);
    if (names.length > mostEntries) break;
  }
  return names;
}

function refusal(name: string, stats: Stats | undefined, already: number, room: number): string | undefined {
  if (stats === undefined || !stats.isFile()) return "not a file";
  if (already >= mostFiles) return `only ${mostFiles} files are attached`;
  if (!kinds.test(extname(name))) return "not a kind of file that I attach";
  if (stats.size === 0) return "empty";
  if (stats.size > mostBytes) return `larger than ${mostBytes / mib} MiB`;
  return stats.size > room ? `more than ${mostInAll / mib} MiB in all` : undefined;
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
