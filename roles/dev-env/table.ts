import { readToolsLock } from "./pins.ts";
import { toolNames, toolOf } from "./tools.ts";

/** The table of docs/reference/dev-env.md; a test compares the two. */
export function toolTable(): string {
  const { downloads, npm } = readToolsLock();
  const rows = toolNames.map((name) => {
    const { title, ways } = toolOf(name);
    const { official, registries } = ways;
    const pin = official.download === undefined ? undefined : downloads[official.download];
    const version = pin?.version ?? (name === "cdk" ? npm.cdk.version : undefined);
    const from = version === undefined ? official.from : `${official.from}, ${version}`;
    const tested = pin === undefined ? "end to end" : "against a local server";
    return [
      `\`${name}\``,
      title,
      pin === undefined ? from : `${from}, ${new URL(pin.url).host}`,
      registries?.from ?? "none",
      registries === undefined ? `${tested}` : pin === undefined ? tested : `${tested}; registries end to end`,
    ];
  });
  const head = ["tool", "what it is", "`official`", "`registries`", "tested here"];
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}
