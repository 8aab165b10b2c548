import { execa, type Options } from "execa";

/**
 * Runs a shell line on a terminal of its own (`script`) and types keys once the question is there: what comes before it is a signal, or the
 * input's end. Gives how it ended and all that was shown.
 */
export async function typeAt(
  line: string,
  question: string,
  keys: string,
  env: NonNullable<Options["env"]> = {},
): Promise<{ exitCode: number | undefined; stdout: string }> {
  const terminal = execa("script", ["-qec", line, "/dev/null"], { env, stdin: "pipe", reject: false });
  await new Promise<void>((resolve) => {
    let shown = "";
    terminal.stdout.on("data", (chunk: Buffer) => {
      shown += chunk.toString();
      if (shown.includes(question)) resolve();
    });
    void terminal.then(() => resolve());
  });
  terminal.stdin.write(keys);
  const { exitCode, stdout } = await terminal;
  return { exitCode, stdout };
}
