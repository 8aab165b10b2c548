import { spawn } from "node:child_process";
import { formsOf } from "../../src/base/secret-forms.ts";

/** What a watch saw until it was stopped. */
interface Watched {
  /** Each find: where, of which program, and the word. */
  readonly found: readonly string[];
  /** Programs that were begun in the time, each of which was looked at. */
  readonly programs: number;
}

/**
 * Looks for words, and for every form that they may be written in, in arguments and environments until it is stopped. Every program that this process, the given ones (a lab machine's first)
 * or any of their children begins is looked at before it runs: a sampler at whatever rate misses what lives shorter. What a program makes of
 * its arguments later, as a title, is sampled.
 */
export async function watchArguments(
  words: readonly string[],
  roots: readonly number[] = [],
): Promise<{ stop(): Promise<Watched> }> {
  const looked = [...new Set(words.flatMap(formsOf))].filter((form) => form.length > 11);
  if (!words.length || words.some((word) => !looked.includes(word)))
    throw new Error("no words, or one that is too short to be nobody else's");
  const pids = [process.pid, ...roots].map(String);
  const watches = await Promise.all([
    begin("python3", [new URL("./exec-watch.py", import.meta.url).pathname, ...pids], looked),
    begin(process.execPath, [new URL("./argv-watch.ts", import.meta.url).pathname], looked),
  ]);
  return {
    async stop() {
      const lines = (await Promise.all(watches.map((stop) => stop()))).flat();
      const counted = lines.flatMap((line) => /^(\d+) programs$/.exec(line)?.[1] ?? []);
      if (counted.length !== 1) throw new Error(`the watch did not last until its end: ${lines.join("\n")}`);
      return { found: lines.filter((line) => line.startsWith("found ")), programs: Number(counted[0]) };
    },
  };
}

/** Starts a watch and waits until it watches. Gives what stops it, and then gives its lines. */
async function begin(program: string, args: string[], words: readonly string[]): Promise<() => Promise<string[]>> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<void>((done) => child.once("close", () => done()));
  child.stdin.end(words.map((word) => `${word}\n`).join(""));
  let printed = "";
  await new Promise<void>((begun, broken) => {
    child.once("error", broken);
    child.once("close", (code) => broken(new Error(`${program} ended with ${code} before it watched`)));
    child.stdout.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
      if (printed.includes("watching\n")) begun();
    });
  });
  return async () => {
    child.kill();
    await ended;
    return printed.split("\n");
  };
}
