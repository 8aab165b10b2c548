import { exitCodes, OlympusError } from "../base/errors.ts";
import type { CliCommand, CommandParent, RunAction } from "./command.ts";
import { check } from "./secrets-check.ts";
import { edit } from "./secrets-edit.ts";
import { importVault } from "./secrets-import.ts";
import { rotate } from "./secrets-rotate.ts";

/** `olympus secrets`: the team's encrypted values. They come in on stdin or by a prompt without echo, never as arguments. */
export const command: CliCommand = {
  register(program, run) {
    const secrets = program
      .command("secrets")
      .description("The team's passwords, keys and tokens, in SOPS's format with age recipients.")
      .addHelpText(
        "before",
        [
          "  npx olympus secrets init                             makes all that can be generated",
          "  npx olympus secrets set models.anthropic             asks without echo",
          "  npx olympus secrets set models.anthropic < key.txt   or reads stdin",
          "  npx olympus secrets rotate agents.athena.dashboard   a new value, for all who use it",
          "  npx olympus secrets check                            is anything missing?",
          "  npx olympus secrets list\n",
        ].join("\n"),
      );
    init(secrets, run);
    set(secrets, run);
    get(secrets, run);
    list(secrets, run);
    edit(secrets, run);
    forget(secrets, run);
    rotate(secrets, run);
    recipients(secrets, run);
    check(secrets, run);
    importVault(secrets, run);
  },
};

const store = () => import("../../secrets/store.ts");

function init(parent: CommandParent, run: RunAction): void {
  parent
    .command("init")
    .option("--recipient <age1…>", "who else may open a new file", (value: string, all: string[] = []) => [
      ...all,
      value,
    ])
    .description("Makes every secret that can be generated and is missing.")
    .action(
      run(async ({ reporter, loadTeam }, { recipient = [] }: { recipient?: string[] }) => {
        const { initSecrets } = await store();
        const team = await loadTeam();
        const { made, identity } = await initSecrets(team, recipient);
        if (identity !== undefined) {
          reporter.info(
            `made your age identity ${identity}: keep a copy of it elsewhere, nothing opens the secrets without it`,
          );
        }
        for (const path of made) reporter.info(`  + ${path}`);
        reporter.result(made.length === 0 ? "nothing was missing" : `${made.length} made in ${team.secretsFile}`, {
          type: "secrets",
          file: team.secretsFile,
          made,
        });
        return exitCodes.done;
      }),
    );
}

function set(parent: CommandParent, run: RunAction): void {
  parent
    .command("set")
    .argument("<name>", "dotted, such as models.anthropic")
    .description("Sets a value, read from stdin or asked for without echo.")
    .action(
      run(async ({ reporter, loadTeam, options }, name: string) => {
        const [{ openSecrets }, { readSecretInput }] = await Promise.all([store(), import("./secret-input.ts")]);
        const opened = await openSecrets(await loadTeam());
        opened.set(name, await readSecretInput(name, options.input));
        const changed = await opened.save();
        reporter.result(changed ? `${name} set` : `${name} is as it was`, { type: "secret", name, changed });
        return exitCodes.done;
      }),
    );
}

function get(parent: CommandParent, run: RunAction): void {
  parent
    .command("get")
    .argument("<name>", "dotted, as `list` shows it")
    .description(
      "Prints one value. Into a pipe or file only with --yes, so that none gets into a log unasked; public halves of keys are no secrets.",
    )
    .action(
      run(async ({ reporter, loadTeam, options }, name: string) => {
        const [{ openSecrets }, { namingSecrets }] = await Promise.all([store(), import("./secret-names.ts")]);
        const team = await loadTeam();
        const opened = await openSecrets(team);
        const value = namingSecrets(name, team, opened, () => opened.require(name)).reveal();
        // By its other half: a model's key or a token may have been named "public".
        const open = name.endsWith(".public") && opened.get(name.replace(/public$/, "private")) !== undefined;
        if (!process.stdout.isTTY && !options.yes && !open) {
          throw new OlympusError("a secret would be printed into a pipe or file", {
            code: "E-CONFIRM",
            exit: exitCodes.confirmation,
            hint: "Give --yes if that is meant.",
          });
        }
        reporter.result(value, { type: "secret", name, value });
        return exitCodes.done;
      }),
    );
}

function list(parent: CommandParent, run: RunAction): void {
  parent
    .command("list")
    .description("Names of all values, without the values.")
    .action(
      run(async ({ reporter, loadTeam }) => {
        const opened = await (await store()).openSecrets(await loadTeam());
        const names = opened.paths();
        reporter.result(names.join("\n"), {
          type: "secrets",
          file: opened.file,
          names,
          recipients: opened.recipients(),
        });
        return exitCodes.done;
      }),
    );
}

function forget(parent: CommandParent, run: RunAction): void {
  parent
    .command("forget")
    .argument("<name...>", "dotted, as `list` shows them")
    .description("Takes values out of the file. Machines and services keep what they were given.")
    .action(
      run(async ({ reporter, loadTeam, confirm }, names: string[]) => {
        const [{ openSecrets }, { namingSecrets }] = await Promise.all([store(), import("./secret-names.ts")]);
        const team = await loadTeam();
        const opened = await openSecrets(team);
        for (const name of names) namingSecrets(name, team, opened, () => opened.require(name));
        if (!(await confirm(`Forget ${names.join(", ")}?`))) return exitCodes.confirmation;
        for (const name of names) opened.delete(name);
        await opened.save();
        reporter.result(`${names.length} forgotten`, { type: "secrets", forgotten: names });
        return exitCodes.done;
      }),
    );
}

function recipients(parent: CommandParent, run: RunAction): void {
  parent
    .command("recipients")
    .argument("[action]", "add or remove")
    .argument("[age1…]", "a public key, as `age-keygen` shows it")
    .description("Who can open the secrets; `add` and `remove` change it.")
    .action(
      run(async ({ reporter, loadTeam }, action?: string, recipient?: string) => {
        const opened = await (await store()).openSecrets(await loadTeam());
        if (action !== undefined) {
          if (!["add", "remove"].includes(action) || !/^age1[a-z0-9]+$/.test(recipient ?? "")) {
            throw new OlympusError("say whom to add or remove", {
              code: "E-USAGE",
              exit: exitCodes.usage,
              hint: "npx olympus secrets recipients add age1…",
            });
          }
          const others = opened.recipients().filter((one) => one !== recipient);
          opened.setRecipients(action === "add" ? [...others, recipient!] : others);
          const changed = await opened.save();
          if (changed && action === "remove") {
            reporter.warn("whoever was removed still knows every value as it is now: give new ones to what counts");
          }
        }
        const all = opened.recipients();
        reporter.result(all.join("\n"), { type: "recipients", recipients: all });
        return exitCodes.done;
      }),
    );
}
