import { randomBytes } from "node:crypto";
import { type Document, isMap, isScalar, isSeq, parseDocument, type Scalar } from "yaml";
import { exitCodes, OlympusError } from "../src/base/errors.ts";
import { openSmallAge } from "./age-small.ts";
import { checksumOf, isEncrypted, openValue, placeOf, sealValue, typeOf } from "./cipher.ts";
import { resealComments } from "./comments.ts";
import { holdersToKeep, type Metadata, needsSeveral, type Recipient } from "./foreign.ts";

/** A SOPS file that was opened: its values by dotted path, and what is needed to write it again. */
export interface SopsFile {
  readonly document: Document;
  readonly dataKey: Uint8Array;
  /** Who can open it, each with the data key sealed to them. Empty in a new file. */
  readonly entries: readonly Recipient[];
  /** Everything that stands in its part `sops`, also what other programs' users put there. */
  readonly metadata: Metadata;
  /** Plain values by dotted path, in the order of the file; items of a list are `list.0`, `list.1`. */
  readonly values: Map<string, string>;
  /** The plain text of each leaf, comments within lists included, in the order of the file. */
  readonly plain: readonly string[];
}

/** The format's version that we write; `sops` refuses files of a newer major version only. */
const version = "3.9.0";
/** Keys that end like this hold plain values, by SOPS's own default. */
const openSuffix = "_unencrypted";

function broken(where: string, problem: string, hint: string, cause?: unknown): OlympusError {
  return new OlympusError(problem, { code: "E-SECRETS-BROKEN", exit: exitCodes.usage, where, hint, cause });
}

const restore =
  "Take the file from your last commit or backup; it was changed by something other than Olympus or sops.";

/**
 * Opens a SOPS file with the first identity that fits, and verifies its checksum.
 * Throws E-SECRETS-BROKEN (truncated, tampered with, not SOPS) or E-SECRETS-IDENTITY (no identity fits).
 */
export async function readSops(text: string, identities: readonly string[], where: string): Promise<SopsFile> {
  const document = parseDocument(text);
  const metadata = document.errors.length === 0 ? metadataOf(document) : undefined;
  if (metadata !== undefined) needsSeveral(metadata, where);
  if (metadata?.age === undefined || metadata.mac === undefined || metadata.lastmodified === undefined) {
    throw broken(where, "the secrets file is cut off or not in SOPS format (its `sops` part is incomplete)", restore);
  }
  const dataKey = await openDataKey(metadata.age, identities, where);

  const values = new Map<string, string>();
  const all: string[] = [];
  const counted: string[] = [];
  for (const { keys, name, text: sealed } of leavesOf(document)) {
    let plain = sealed;
    if (isEncrypted(sealed)) {
      try {
        plain = openValue(sealed, dataKey, placeOf(keys));
      } catch (cause) {
        throw broken(where, `the value of ${name} was changed or moved after it was encrypted`, restore, cause);
      }
    }
    all.push(plain);
    if (isComment(sealed)) continue;
    values.set(name, plain);
    if (!metadata.mac_only_encrypted || isEncrypted(sealed)) counted.push(plain);
  }
  let checksum: string;
  try {
    checksum = openValue(metadata.mac, dataKey, metadata.lastmodified);
  } catch (cause) {
    throw broken(where, "the checksum of the secrets file was tampered with", restore, cause);
  }
  if (checksum !== checksumOf(counted, metadata.mac_only_encrypted)) {
    throw broken(where, "the secrets file has lost, gained or reordered values since it was written", restore);
  }
  return { document, dataKey, entries: metadata.age, metadata, values, plain: all };
}

/** An empty SOPS file with a fresh data key. */
export function emptySops(): SopsFile {
  const document = parseDocument("{}\n");
  return { document, dataKey: randomBytes(32), entries: [], metadata: {}, values: new Map(), plain: [] };
}

/**
 * The text of the file with `changes` applied (`undefined` removes). Values that did not change keep their cipher text, so that a
 * diff shows only what changed. `recipients` replaces the file's own; when one is removed, the data key is made anew and all values are sealed again.
 * Throws E-SECRETS-FOREIGN where SOPS's own users set something up that this would undo.
 */
export async function writeSops(
  file: SopsFile,
  changes: ReadonlyMap<string, string | undefined>,
  recipients: readonly string[],
  { now = new Date(), where = "" }: { now?: Date; where?: string } = {},
): Promise<string> {
  const removed = file.entries.some((entry) => !recipients.includes(entry.recipient));
  const kept = holdersToKeep(file.metadata, removed, where);
  const document = file.document.clone() as Document;
  if (!isMap(document.contents) || document.contents.items.length === 0)
    document.contents = document.createNode({}) as typeof document.contents;
  // By the leaf itself: when an item leaves a list, those after it get other names, but keep what they are.
  const before = new Map(leavesOf(document).map(({ node }, at) => [node, file.plain[at]!]));
  document.delete("sops");
  for (const [name, value] of changes) change(document, name, value);
  const dataKey = removed ? randomBytes(32) : file.dataKey;
  if (removed) resealComments(document, file.dataKey, dataKey);
  const counted: string[] = [];
  for (const { keys, node, text } of leavesOf(document)) {
    const plain = before.get(node) ?? text;
    if (!isComment(text)) counted.push(plain);
    const asItWas = !removed && isEncrypted(text) && before.has(node);
    const open = keys.some((key) => key.endsWith(openSuffix));
    if (!asItWas && !open && plain !== "") node.value = sealValue(plain, dataKey, placeOf(keys), typeOf(text));
  }
  const lastmodified = `${now.toISOString().slice(0, 19)}Z`;
  document.set(
    "sops",
    document.createNode({
      age: await Promise.all(
        recipients.map(async (recipient) => {
          const old = removed ? undefined : file.entries.find((entry) => entry.recipient === recipient);
          return old ?? { recipient, enc: await sealDataKey(dataKey, recipient) };
        }),
      ),
      lastmodified,
      mac: sealValue(checksumOf(counted), dataKey, lastmodified),
      ...kept,
      unencrypted_suffix: openSuffix,
      version,
    }),
  );
  return document.toString({ indent: 4, lineWidth: 0 });
}

/** Sets or (`undefined`) removes one value. Throws E-SECRET-VALUE where a list has no such place. */
function change(document: Document, name: string, value: string | undefined): void {
  const keys = name.split(".");
  // What was set and forgotten between two saves never got there.
  if (value === undefined) {
    if (document.hasIn(keys)) document.deleteIn(keys);
    return;
  }
  for (let depth = 0; depth < keys.length; depth += 1) {
    const parent = depth === 0 ? document.contents : document.getIn(keys.slice(0, depth));
    if (!isSeq(parent) || (/^\d+$/.test(keys[depth]!) && Number(keys[depth]) <= parent.items.length)) continue;
    throw new OlympusError(`${keys.slice(0, depth).join(".")} is a list of ${parent.items.length}`, {
      code: "E-SECRET-VALUE",
      exit: exitCodes.usage,
      hint: `Its items are numbered from 0; ${parent.items.length} appends one.`,
    });
  }
  document.setIn(keys, document.createNode(value));
}

/** A comment within a list is an item of its kind: sealed, but neither a value nor counted into the checksum. */
function isComment(text: string): boolean {
  return isEncrypted(text) && typeOf(text) === "comment";
}

function metadataOf(document: Document): Metadata | undefined {
  const node = document.get("sops");
  return isMap(node) ? (node.toJSON() as Metadata) : undefined;
}

async function openDataKey(entries: readonly Recipient[], identities: readonly string[], where: string) {
  for (const { enc } of identities.length === 0 ? [] : entries) {
    const dataKey = openSmallAge(enc, identities);
    if (dataKey !== undefined) return dataKey;
  }
  for (const { enc } of identities.length === 0 ? [] : entries) {
    const { armor, Decrypter } = await import("age-encryption");
    const decrypter = new Decrypter();
    for (const identity of identities) decrypter.addIdentity(identity);
    try {
      return await decrypter.decrypt(armor.decode(enc));
    } catch (error) {
      // Another recipient's entry looks like this; anything else means that the entry itself is damaged.
      if (!(error instanceof Error && /no identity matched/.test(error.message))) {
        throw broken(where, "an age part of the secrets file is damaged", restore, error);
      }
    }
  }
  throw new OlympusError(
    identities.length === 0
      ? "there is no age identity here to open the secrets with"
      : "none of your age identities opens the secrets",
    {
      code: "E-SECRETS-IDENTITY",
      exit: exitCodes.usage,
      where,
      hint: `It is encrypted to ${entries.map((entry) => entry.recipient).join(", ")}.\nPut the identity of one of them into ~/.config/olympus/age.txt (0600), or name it in SOPS_AGE_KEY_FILE, or a command that prints it in SOPS_AGE_KEY_CMD.`,
    },
  );
}

async function sealDataKey(dataKey: Uint8Array, recipient: string): Promise<string> {
  const { armor, Encrypter } = await import("age-encryption");
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return armor.encode(await encrypter.encrypt(dataKey));
}

interface Leaf {
  /** What SOPS binds it to: the keys that enclose it, without an item's number in its list. */
  readonly keys: readonly string[];
  /** Dotted, with the numbers. */
  readonly name: string;
  readonly text: string;
  readonly node: Scalar;
}

/** Every scalar outside `sops`, in the order of the file. */
function leavesOf(document: Document): Leaf[] {
  const leaves: Leaf[] = [];
  const walk = (node: unknown, keys: readonly string[], name: readonly string[]): void => {
    if (isMap(node)) {
      for (const pair of node.items) {
        const key = String(isScalar(pair.key) ? pair.key.value : pair.key);
        if (keys.length > 0 || key !== "sops") walk(pair.value, [...keys, key], [...name, key]);
      }
    } else if (isSeq(node)) {
      for (const [at, item] of node.items.entries()) walk(item, keys, [...name, String(at)]);
    } else if (isScalar(node) && node.value !== null) {
      leaves.push({ keys, name: name.join("."), text: textOf(node.value), node });
    } else if (node !== null && !isScalar(node)) {
      // Whatever is not walked would be written as it is: never in plain.
      throw new TypeError(`${name.join(".")}: not a value that a secrets file can hold`);
    }
  };
  walk(document.contents, [], []);
  return leaves;
}

/** A value in plain text as SOPS counts it into the checksum. */
function textOf(value: unknown): string {
  return typeof value === "boolean" ? (value ? "True" : "False") : String(value);
}
