import { readFile } from "node:fs/promises";
import { exitCodes, messageOf, OlympusError } from "../base/errors.ts";
import type { CommandParent, RunAction } from "./command.ts";

interface Options {
  readonly as: readonly string[];
  readonly passwordFile?: string;
}

/** `olympus secrets import`: values from an ansible-vault file. */
export function importVault(parent: CommandParent, run: RunAction): void {
  parent
    .command("import")
    .argument("<file>", "encrypted by ansible-vault, as a whole or value by value")
    .option("--as <theirs=ours>", "take this value, under our name; repeatable, all values otherwise", collect, [])
    .option("--password-file <file>", "the vault's password; asked for without echo unless given")
    .description("Takes values over from an ansible-vault file. What has another value here already is left alone.")
    .action(
      run(async ({ reporter, loadTeam, options }, file: string, { as, passwordFile }: Options) => {
        const [{ openSecrets }, { readAnsibleVault }, { readSecretInput }] = await Promise.all([
          import("../../secrets/store.ts"),
          import("../../secrets/ansible-vault.ts"),
          import("./secret-input.ts"),
        ]);
        const store = await openSecrets(await loadTeam());
        const text = await read(file);
        const password =
          passwordFile === undefined
            ? await readSecretInput("password of the vault", options.input)
            : (await read(passwordFile)).replace(/\r?\n$/, "");
        const values = await readAnsibleVault(text, password, file);
        const taken = as.length === 0 ? [...values.keys()].map((name) => [name, name] as const) : as.map(pair);
        const kept: string[] = [];
        const set: string[] = [];
        for (const [theirs, ours] of taken) {
          const value = values.get(theirs);
          if (value === undefined) throw unknown(file, theirs, [...values.keys()]);
          const old = store.get(ours)?.reveal();
          if (old !== undefined && old !== value) kept.push(ours);
          else if (old === undefined) {
            store.set(ours, value);
            set.push(ours);
          }
        }
        await store.save();
        for (const name of set) reporter.info(`  + ${name}`);
        for (const name of kept) reporter.warn(`${name} has another value here and was left alone`);
        reporter.result(`${set.length} taken over, ${kept.length} left alone`, { type: "secrets", set, kept });
        return exitCodes.done;
      }),
    );
}

function collect(word: string, all: readonly string[]): string[] {
  return [...all, word];
}

function pair(word: string): readonly [string, string] {
  const [theirs, ours, ...rest] = word.split("=");
  if (theirs && ours && rest.length === 0) return [theirs, ours];
  throw new OlympusError(`--as ${word}: say which name becomes which`, {
    code: "E-USAGE",
    exit: exitCodes.usage,
    hint: "--as anthropic_api_key=models.anthropic",
  });
}

function unknown(file: string, name: string, known: readonly string[]): OlympusError {
  return new OlympusError(`there is no ${name} in it`, {
    code: "E-VAULT",
    exit: exitCodes.usage,
    where: file,
    hint: `It has: ${known.join(", ")}`,
  });
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new OlympusError(`cannot be read: ${messageOf(cause)}`, {
      code: "E-VAULT",
      exit: exitCodes.usage,
      where: file,
      cause,
    });
  }
}
