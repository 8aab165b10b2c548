import { open } from "node:fs/promises";
import { readable } from "../../base/readable.ts";

/** Characters of a command's output that a model is shown: half from its beginning, half from its end. */
export const shownCharacters = 10_000;

/** A command's output as a model sees it. */
export interface Shown {
  readonly text: string;
  /** Of the whole output. */
  readonly bytes: number;
  /** Whether something in the middle was left out. */
  readonly cut: boolean;
}

/** Bytes a character has at most in UTF-8. */
const mostBytes = 4;

/** Reads head and tail of an output file of any size; what stands between is named by its length and by `wholeFile`, where it can be read. */
export async function showOutput(file: string, wholeFile: string): Promise<Shown> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    const read = async (from: number, length: number) => {
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await handle.read(buffer, 0, length, from);
      return buffer.subarray(0, bytesRead);
    };
    const half = shownCharacters / 2;
    if (size <= shownCharacters * mostBytes) {
      const text = readable((await read(0, size)).toString());
      if (text.length <= shownCharacters) return { text, bytes: size, cut: false };
      return {
        text: join(text, text, half, wholeFile, text.length - shownCharacters, "characters"),
        bytes: size,
        cut: true,
      };
    }
    const head = readable((await read(0, half * mostBytes)).toString());
    const tail = readable((await read(size - half * mostBytes, half * mostBytes)).toString());
    return { text: join(head, tail, half, wholeFile, size - shownCharacters, "bytes or so"), bytes: size, cut: true };
  } finally {
    await handle.close();
  }
}

function join(head: string, tail: string, half: number, file: string, left: number, unit: string): string {
  const whole = (text: string) => text.replace(/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g, "");
  return `${whole(head.slice(0, half))}\n[... ${left} ${unit} left out; all of it is in ${file} ...]\n${whole(tail.slice(-half))}`;
}
