import { exitCodes } from "../base/errors.ts";
import { ensureTools, type Part, type Source } from "../toolchain/ensure.ts";
import { layoutOf } from "../toolchain/layout.ts";
import { readLock, toolNames } from "../toolchain/lock.ts";
import { readStamp } from "../toolchain/stamp.ts";
import type { CliCommand } from "./command.ts";
import { unknownWord } from "./usage.ts";

interface Options {
  readonly only?: readonly string[];
  readonly source: string;
  readonly list?: boolean;
}

const parts: readonly Part[] = [...toolNames, "sdk"];
const sources: readonly Source[] = ["auto", "download", "build"];

export const command: CliCommand = {
  register(program, run) {
    program
      .command("toolchain")
      .argument("[action]", '"sdk" writes sdks/libvirt again from the pinned provider')
      .option("--only <names...>", `some of: ${parts.join(", ")}`)
      .option("--source <source>", `where from: ${sources.join(", ")} (found here, downloaded, else built)`, "auto")
      .option("--list", "show what is there")
      .description("install Pulumi, its plugins and Mattermost in their pinned versions")
      .addHelpText("before", "  npx olympus toolchain\n  npx olympus toolchain --only pulumi provider --source build\n")
      .action(
        run(async ({ reporter, signal }, action: string | undefined, options: Options) => {
          if (action !== undefined && action !== "sdk") throw unknownWord("action", action, ["sdk"]);
          const only = options.only?.flatMap((names) => names.split(",")).map(toPart);
          if (options.list) return list(reporter);
          const source = sources.find((known) => known === options.source);
          if (source === undefined) throw unknownWord("source", options.source, sources);
          const tools = await ensureTools({ reporter, signal, only: action === "sdk" ? toolNames : only, source });
          if (action === "sdk") {
            const { generateSdk } = await import("../toolchain/sdk-generate.ts");
            await generateSdk(readLock(), tools, signal);
            await ensureTools({ reporter, signal, only: ["sdk"] });
          }
          reporter.result("tools are in place", { type: "toolchain", ...tools });
          return exitCodes.done;
        }),
      );
  },
};

function toPart(name: string): Part {
  const part = parts.find((known) => known === name);
  if (part === undefined) throw unknownWord("part", name, parts);
  return part;
}

/** Exit 3 when something is missing, like every command that only looks. */
function list(reporter: { result(text: string, data: { type: string; [key: string]: unknown }): void }): number {
  const lock = readLock();
  const layout = layoutOf(lock);
  const tools = toolNames.map((name) => {
    const stamp = readStamp(layout.store(name));
    return {
      name,
      version: stamp?.version ?? lock.tools[name].version,
      origin: stamp?.origin ?? "missing",
      path: layout.store(name),
    };
  });
  const lines = tools.map(
    (tool) => `${tool.name.padEnd(11)} ${tool.origin.padEnd(9)} ${tool.version.padEnd(36)} ${tool.path}`,
  );
  reporter.result(lines.join("\n"), { type: "toolchain-list", tools });
  return tools.some((tool) => tool.origin === "missing") ? exitCodes.pending : exitCodes.done;
}
