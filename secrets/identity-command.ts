import { spawn } from "node:child_process";
import { exitCodes, OlympusError } from "../src/base/errors.ts";
import { endTree } from "./process-tree.ts";

/** As sops calls it. */
export const commandVariable = "SOPS_AGE_KEY_CMD";

/** A file of identities is far smaller. */
const mostBytes = 1024 * 1024;

/** What a command printed: one that asks a person, or a key in hardware, is run once by a process that opens and saves several times. */
const printedBy = new Map<string, Promise<string>>();

/**
 * What the command of SOPS_AGE_KEY_CMD prints on stdout. As sops runs it: words as a shell splits them, but by no shell, so that a value
 * means the same to both. Throws E-SECRETS-IDENTITY, which tells nothing of what it printed or of the value: both may hold the identity.
 */
export function identityCommand(value: string, timeoutMs = 30_000): Promise<string> {
  const known = printedBy.get(value);
  if (known !== undefined) return known;
  const running = run(value, timeoutMs);
  printedBy.set(value, running);
  running.catch(() => printedBy.delete(value));
  return running;
}

async function run(value: string, timeoutMs: number): Promise<string> {
  const [program, ...words] = splitWords(value);
  if (program === undefined) throw failed("has no command in it");
  // In our own session and process group: it may ask at the terminal.
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "ignore"] });
  const chunks: Buffer[] = [];
  let bytes = 0;
  let why: string | undefined;
  let stopping: Promise<void> | undefined;
  const stop = (because: string): void => {
    if (why !== undefined) return;
    why = because;
    // What it started may hold the pipe open for as long as it likes.
    child.stdout.destroy();
    // Once it has ended its number may be somebody else's.
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) stopping = endTree(child.pid);
    // It is waited for below, and throws there.
    stopping?.catch(() => undefined);
  };
  child.stdout.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > mostBytes) stop("names a command that printed more than 1 MiB");
    else chunks.push(chunk);
  });
  const timer = setTimeout(() => stop(`names a command that had not ended after ${timeoutMs / 1000} s`), timeoutMs);
  try {
    const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>((ended, broken) => {
      child.once("error", ({ code: why }: NodeJS.ErrnoException) =>
        broken(failed(`names a program that cannot be run (${why})`)),
      );
      child.once("close", (code, signal) => ended({ code, signal }));
    });
    await stopping;
    if (why !== undefined) throw failed(why);
    if (code !== 0) throw failed(`names a command that failed: ${code === null ? signal : `exit code ${code}`}`);
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Splits as sops does (github.com/google/shlex): quotes of both kinds, backslashes outside '…', comments; no variables, no patterns. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]!;
    if (char === "\\" && quote !== "'") {
      at += 1;
      if (at === text.length) throw failed("ends with a backslash");
      word = (word ?? "") + text[at];
    } else if (quote !== "") {
      if (char === quote) quote = "";
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= "";
    } else if (/[ \t\r\n]/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === "#" && word === undefined) {
      while (at + 1 < text.length && text[at] !== "\n") at += 1;
    } else {
      word = (word ?? "") + char;
    }
  }
  if (quote !== "") throw failed(`has no closing ${quote}`);
  if (word !== undefined) words.push(word);
  return words;
}

const failed = (what: string): OlympusError =>
  new OlympusError(`${commandVariable} ${what}`, {
    code: "E-SECRETS-IDENTITY",
    exit: exitCodes.usage,
    where: commandVariable,
    hint: "Run the command of it by hand: it has to print a line AGE-SECRET-KEY-1… on stdout within 30 seconds. It is run by no shell; where one is needed: sh -c '…'",
  });
