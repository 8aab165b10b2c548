import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { ownFolder } from "../base/own-folder.ts";
import type { CommandParent, RunAction } from "./command.ts";

/** `olympus secrets edit`: all values in an editor, in a private file that is gone afterwards. */
export function edit(parent: CommandParent, run: RunAction): void {
  parent
    .command("edit")
    .description("Opens all values in $VISUAL or $EDITOR, and encrypts what is saved there.")
    .action(
      run(async ({ reporter, loadTeam, confirm, options }) => {
        if (!options.input || !process.stdin.isTTY || !process.stdout.isTTY) {
          throw new OlympusError("an editor needs a terminal", {
            code: "E-CONFIRM",
            exit: exitCodes.confirmation,
            hint: "npx olympus secrets set NAME < file",
          });
        }
        const [{ openSecrets }, { applyPlain, plainText }] = await Promise.all([
          import("../../secrets/store.ts"),
          import("../../secrets/plain.ts"),
        ]);
        const store = await openSecrets(await loadTeam());
        const file = join(ownFolder(), "secrets.yaml");
        try {
          await writeFile(file, plainText(store), { mode: 0o600 });
          for (;;) {
            await openEditor(file);
            try {
              const { set, forgotten } = applyPlain(store, await readFile(file, "utf8"));
              await store.save();
              for (const name of set) reporter.info(`  ~ ${name}`);
              for (const name of forgotten) reporter.info(`  - ${name}`);
              const none = set.length + forgotten.length === 0;
              reporter.result(none ? "nothing changed" : `${set.length} set, ${forgotten.length} forgotten`, {
                type: "secrets",
                set,
                forgotten,
              });
              return exitCodes.done;
            } catch (error) {
              if (!(error instanceof OlympusError) || error.code !== "E-SECRET-VALUE") throw error;
              reporter.warn(error.message);
              if (options.yes || !(await confirm("Edit it again?"))) throw error;
            }
          }
        } finally {
          await rm(file, { force: true });
        }
      }),
    );
}

/** Waits until the person is done. The path is all that the editor is told; values are in no argument and no environment. */
async function openEditor(file: string): Promise<void> {
  const editor = process.env.VISUAL || process.env.EDITOR || "vi";
  // $EDITOR may have words of its own, such as `code --wait`.
  const { exitCode } = await execa("sh", ["-c", `${editor} "$1"`, "editor", file], { stdio: "inherit", reject: false });
  if (exitCode === 0) return;
  throw new OlympusError(`${editor} ended with ${exitCode}; nothing was saved`, {
    code: "E-EDITOR",
    exit: exitCodes.failed,
    hint: "EDITOR=nano npx olympus secrets edit",
  });
}
