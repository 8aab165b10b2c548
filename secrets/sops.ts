import { randomBytes } from "node:crypto";
import { armor, Decrypter, Encrypter } from "age-encryption";
import { type Document, isMap, isScalar, isSeq, parseDocument, type Scalar } from "yaml";
import { exitCodes, OlympusError } from "../src/base/errors.ts";
import { checksumOf, isEncrypted, openValue, placeOf, sealValue, typeOf } from "./cipher.ts";

/** A SOPS file that was opened: its values by dotted path, and what is needed to write it again. */
export interface SopsFile {
  readonly document: Document;
  readonly dataKey: Uint8Array;
  /** Who can open it, each with the data key sealed to them. Empty in a new file. */
  readonly entries: readonly Entry[];
  /** Plain values by dotted path, in the order of the file; items of a list are `list.0`, `list.1`. */
  readonly values: Map<string, string>;
  /** The plain value of each leaf, in the order of the file. */
  readonly plain: readonly string[];
}

interface Entry {
  readonly recipient: string;
  readonly enc: string;
}

interface Metadata {
  age?: Entry[];
  lastmodified?: string;
  mac?: string;
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
  if (metadata?.age === undefined || metadata.mac === undefined || metadata.lastmodified === undefined) {
    throw broken(where, "the secrets file is cut off or not in SOPS format (its `sops` part is incomplete)", restore);
  }
  const dataKey = await openDataKey(metadata.age, identities, where);

  const values = new Map<string, string>();
  const inOrder: string[] = [];
  for (const { keys, name, text: sealed } of leavesOf(document)) {
    let plain = sealed;
    if (isEncrypted(sealed)) {
      try {
        plain = openValue(sealed, dataKey, placeOf(keys));
      } catch (cause) {
        throw broken(where, `the value of ${name} was changed or moved after it was encrypted`, restore, cause);
      }
    }
    values.set(name, plain);
    inOrder.push(plain);
  }
  let checksum: string;
  try {
    checksum = openValue(metadata.mac, dataKey, metadata.lastmodified);
  } catch (cause) {
    throw broken(where, "the checksum of the secrets file was tampered with", restore, cause);
  }
  if (checksum !== checksumOf(inOrder)) {
    throw broken(where, "the secrets file has lost, gained or reordered values since it was written", restore);
  }
  return { document, dataKey, entries: metadata.age, values, plain: inOrder };
}

/** An empty SOPS file with a fresh data key. */
export function emptySops(): SopsFile {
  return { document: parseDocument("{}\n"), dataKey: randomBytes(32), entries: [], values: new Map(), plain: [] };
}

/**
 * The text of the file with `changes` applied (`undefined` removes). Values that did not change keep their cipher text, so that a
 * diff shows only what changed. `recipients` replaces the file's own; when one is removed, the data key is made anew and all values are sealed again.
 */
export async function writeSops(
  file: SopsFile,
  changes: ReadonlyMap<string, string | undefined>,
  recipients: readonly string[],
  now: Date = new Date(),
): Promise<string> {
  const document = file.document.clone() as Document;
  if (!isMap(document.contents) || document.contents.items.length === 0)
    document.contents = document.createNode({}) as typeof document.contents;
  // By the leaf itself: when an item leaves a list, those after it get other names, but keep what they are.
  const before = new Map(leavesOf(document).map(({ node }, at) => [node, file.plain[at]!]));
  document.delete("sops");
  for (const [name, value] of changes) change(document, name, value);
  const removed = file.entries.some((entry) => !recipients.includes(entry.recipient));
  const dataKey = removed ? randomBytes(32) : file.dataKey;
  const inOrder: string[] = [];
  for (const { keys, node, text } of leavesOf(document)) {
    const plain = before.get(node) ?? text;
    inOrder.push(plain);
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
          const kept = removed ? undefined : file.entries.find((entry) => entry.recipient === recipient);
          return kept ?? { recipient, enc: await sealDataKey(dataKey, recipient) };
        }),
      ),
      lastmodified,
      mac: sealValue(checksumOf(inOrder), dataKey, lastmodified),
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

function metadataOf(document: Document): Metadata | undefined {
  const node = document.get("sops");
  return isMap(node) ? (node.toJSON() as Metadata) : undefined;
}

async function openDataKey(entries: readonly Entry[], identities: readonly string[], where: string) {
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  for (const { enc } of entries) {
    if (identities.length === 0) break;
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
      hint: `It is encrypted to ${entries.map((entry) => entry.recipient).join(", ")}.\nPut the identity of one of them into ~/.config/olympus/age.txt (0600), or name it in SOPS_AGE_KEY_FILE.`,
    },
  );
}

async function sealDataKey(dataKey: Uint8Array, recipient: string): Promise<string> {
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
