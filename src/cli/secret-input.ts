import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { exitCodes, OlympusError } from "../base/errors.ts";

/** Reads a secret: all of stdin (one trailing newline is dropped), or one line typed without echo. Throws E-CONFIRM when nobody can be asked. */
export async function readSecretInput(name: string, mayAsk: boolean): Promise<string> {
  if (!process.stdin.isTTY) return (await text(process.stdin)).replace(/\r?\n$/, "");
  if (!mayAsk) {
    throw new OlympusError(`the value of ${name} would be asked for`, {
      code: "E-CONFIRM",
      exit: exitCodes.confirmation,
      hint: `Give it on stdin:  npx olympus secrets set ${name} < file`,
    });
  }
  // The prompt's own output is thrown away, so that what is typed is not shown.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const prompt = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    // Asked only now: from here on the terminal itself shows nothing either.
    process.stderr.write(`${name}: `);
    return await prompt.question("");
  } finally {
    prompt.close();
    process.stderr.write("\n");
  }
}
