import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { OlympusError } from "../base/errors.ts";
import { projectRoot } from "../base/paths.ts";
import { type Reporter, withStep } from "../base/report.ts";
import { setSalt } from "./salt.ts";

/** What a plain `pulumi` needs beside its environment, for some stacks of one backend. */
export interface StacksOptions {
  /** Hypervisors' names, which are the stacks' names. */
  readonly stacks: readonly string[];
  /** The pulumi program. */
  readonly pulumi: string;
  /** From `pulumiEnv`. */
  readonly variables: Readonly<Record<string, string>>;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** Folder with Pulumi.yaml; a test gives its own. */
  readonly root?: string;
}

/**
 * Makes stacks that the local backend does not have yet, since `pulumi up -s <stack>` makes none without a terminal, and sets each
 * stack's settings file to this backend's salt: hypervisors of two teams may have the same name, and the salt belongs to one passphrase.
 * Backends elsewhere are left to their owner. Throws E-STACK-INIT with what Pulumi said.
 */
export async function prepareStacks(options: StacksOptions): Promise<void> {
  const { stacks, variables, reporter, root = projectRoot } = options;
  const backend = variables.PULUMI_BACKEND_URL ?? "";
  if (!backend.startsWith("file://")) return;
  const folder = fileURLToPath(backend);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const project = /^name: (\S+)/m.exec(readFileSync(join(root, "Pulumi.yaml"), "utf8"))?.[1] ?? "olympus";
  const stateOf = (stack: string): string => join(folder, ".pulumi/stacks", project, `${stack}.json`);
  const missing = stacks.filter((stack) => !existsSync(stateOf(stack)));
  if (missing.length > 0) {
    await withStep(reporter, "stacks", async () => {
      await Promise.all(missing.map((stack) => initStack(stack, project, options)));
      return { value: undefined, summary: `${missing.join(", ")} made` };
    });
  }
  for (const stack of stacks) await setSalt(stack, saltOf(stateOf(stack)), root);
}

async function initStack(stack: string, project: string, options: StacksOptions): Promise<void> {
  // In a folder of its own: the command writes settings beside the project file.
  const cwd = mkdtempSync(join(tmpdir(), "olympus-stack-"));
  try {
    writeFileSync(join(cwd, "Pulumi.yaml"), `name: ${project}\nruntime: nodejs\n`);
    const words = ["stack", "init", stack, "--no-select", "--non-interactive"];
    const made = await execa(options.pulumi, words, {
      cwd,
      env: options.variables,
      cancelSignal: options.signal,
      reject: false,
      stdin: "ignore",
    });
    options.signal.throwIfAborted();
    if (!made.failed || made.stderr.includes("already exists")) return;
    throw new OlympusError(`the stack ${stack} cannot be made: ${made.stderr.trim()}`, {
      code: "E-STACK-INIT",
      where: stack,
      hint: "Look at the backend that npx olympus env names: folder, rights, free space.",
    });
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

/** The salt in a stack's state, or undefined when it has none (yet). */
function saltOf(file: string): string | undefined {
  return /"salt":\s*"(v1:[^"]+)"/.exec(readFileSync(file, "utf8"))?.[1];
}
