import type { ShownDiff } from "./diff.ts";
import type { Finding, Findings } from "./findings.ts";

/** GitHub takes 65,536 characters; some are left for the marker and the notice. */
const mostCharacters = 60_000;
const mostOfFinding = 4_000;

export interface ReviewText {
  readonly lens: string;
  readonly agent: string;
  readonly sha: string;
  readonly run: string;
  readonly findings: Findings;
  /** Without a line of the diff to stand on. */
  readonly elsewhere: readonly Finding[];
  readonly unread: ShownDiff["unread"];
  readonly beyond: number;
  /** The commit that was looked at before: only what came after it was read. */
  readonly since: string | undefined;
  /** What the harness itself has to say. */
  readonly notes: readonly string[];
}

/** A review's body. What a model wrote in it can neither call anybody nor pass for a marker. */
export function reviewBody(review: ReviewText): string {
  const { lens, findings, elsewhere, unread, beyond, since, notes, sha, agent, run } = review;
  const title = `**${lens} review by ${agent}: ${findings.verdict === "pass" ? "no objections" : "changes wanted"}**`;
  const short = (commit: string) => `\`${commit.slice(0, 10)}\``;
  const count = unread.length + beyond;
  const listed = unread.slice(0, 50).map(({ path, why }) => `- \`${plain(path)}\`: ${why}`);
  const parts = [
    title,
    plain(findings.summary),
    ...(elsewhere.length === 0 ? [] : [["Not on a line of the change:", ...elsewhere.map(atPlace)].join("\n")]),
    ...(count === 0
      ? []
      : [
          [
            `**Not read, ${count} ${count === 1 ? "file" : "files"}:**`,
            ...listed,
            ...(unread.length > listed.length ? [`- and ${unread.length - listed.length} more`] : []),
            ...(beyond > 0 ? [`- ${beyond} at the end, which the forge does not name`] : []),
          ].join("\n"),
        ]),
    ...notes,
    since === undefined
      ? `_Looked at ${short(sha)}._`
      : `_Looked at what came between ${short(since)} and ${short(sha)}._`,
  ];
  return `${cut(parts.join("\n\n"), mostCharacters)}\n\n${marker(lens, sha, run)}`;
}

export function remarkBody({ severity, text }: Finding): string {
  return cut(`**${severity}**: ${plain(text)}`, mostOfFinding);
}

const atPlace = (finding: Finding) =>
  `- **${finding.severity}** \`${plain(finding.path)}:${finding.line}\`: ${cut(plain(finding.text), mostOfFinding)}`;

/** Makes a review known again: one for each lens and commit, with the run that made it. Only those of our own account count. */
export const marker = (lens: string, sha: string, run: string): string =>
  `<!-- olympus-review ${lens} ${sha} ${run} -->`;

export function readMarker(body: string): { lens: string; sha: string; run: string | undefined } | undefined {
  const found = /<!-- olympus-review ([a-z][a-z0-9-]{0,30}) ([0-9a-f]{40})(?: (\S+))? -->\s*$/.exec(body);
  return found === null ? undefined : { lens: found[1]!, sha: found[2]!, run: found[3] };
}

const outdatedBy = "> **Outdated:**";

/** An older review's body, which says that a newer commit was looked at. */
export function outdated(body: string, sha: string): string {
  return body.startsWith(outdatedBy) ? body : `${outdatedBy} ${sha.slice(0, 10)} was looked at after this.\n\n${body}`;
}

/** A model's words: no hidden parts, nobody is notified. */
function plain(text: string): string {
  return text
    .replaceAll("<!--", "&lt;!--")
    .replace(/@(?=[a-z0-9])/gi, "@\u200b")
    .trim();
}

function cut(text: string, most: number): string {
  const characters = [...text];
  if (characters.length <= most) return text;
  return `${characters.slice(0, most - 100).join("")}\n\n_Cut here: it was ${characters.length} characters long._`;
}
