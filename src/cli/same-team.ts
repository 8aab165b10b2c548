import { quote } from "../base/quote.ts";

/** Commands that mean other hosts, or none, by another team file. */
const ofTeam = /\b(npx olympus)(?= (?:role|doctor|console|ssh)\b)|\b(npm run role --)(?= )/g;

/** Offered commands mean the team that this one was given: with `--team` in them too, as else the lab's or the folder's would be meant. */
export function sameTeam(text: string, team: string | undefined): string {
  return team === undefined ? text : text.replace(ofTeam, (start) => `${start} --team ${quote(team)}`);
}
