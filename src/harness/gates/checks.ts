import type { CommitStatus, ForgeReader } from "../forge-port.ts";
import { lensOf } from "../review/lenses.ts";
import { visible } from "../visible.ts";

/**
 * What the repository's own checks say of a commit (statuses of others and check runs), for whoever is asked to approve it. Empty where there
 * are none. They are told, not obeyed: which of them hold a merge up is said by the branch's protection.
 */
export async function sayChecks(
  forge: Pick<ForgeReader, "checks">,
  repo: string,
  sha: string,
  statuses: readonly CommitStatus[],
): Promise<string> {
  const own = statuses.filter(({ context }) => lensOf(context) === undefined);
  const all = [
    ...own.map(({ context, state }) => ({ name: context, state: state === "error" ? ("failure" as const) : state })),
    ...(await forge.checks(repo, sha)),
  ];
  const names = (wanted: (typeof all)[number]["state"]): string => {
    const found = all.filter(({ state }) => state === wanted).map(({ name }) => asCode(name));
    return found.length > most
      ? `${found.slice(0, most).join(", ")} and ${found.length - most} more`
      : found.join(", ");
  };
  const [failed, pending] = [names("failure"), names("pending")];
  if (all.length === 0) return "";
  if (failed === "" && pending === "") return `The repository's own checks passed: ${names("success")}.`;
  return [
    ...(failed === "" ? [] : [`**The repository's own checks failed:** ${failed}.`]),
    ...(pending === "" ? [] : [`Not finished yet: ${pending}.`]),
  ].join(" ");
}

/** Names that are told of one kind, and characters of each. */
const most = 5;
const longest = 60;

/** Whoever proposes a change names its jobs as they like: a name can neither end the code that it is shown as nor hide what is around it. */
function asCode(name: string): string {
  const line = visible(name).replaceAll("`", "'").replace(/\s+/g, " ").trim();
  return `\`${line.length > longest ? `${line.slice(0, longest)}…` : line}\``;
}
