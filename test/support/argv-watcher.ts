import { spawn } from "node:child_process";

/** A process that looks for words in all arguments and environments, here and on lab machines, until it is stopped; gives what it printed. */
export async function watchArguments(words: readonly string[]): Promise<{ stop(): Promise<string> }> {
  const child = spawn(process.execPath, [new URL("./argv-watch.ts", import.meta.url).pathname], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(words.map((word) => `${word}\n`).join(""));
  let printed = "";
  const begun = new Promise<void>((done) => {
    child.stdout.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
      done();
    });
  });
  await begun;
  return {
    async stop() {
      const ended = new Promise((done) => child.once("close", done));
      child.kill();
      await ended;
      return printed;
    },
  };
}
