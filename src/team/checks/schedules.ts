import { asList, asMap, asText, type Draft } from "../draft.ts";
import { knownWords } from "../nearest.ts";
import type { Problem } from "../problems.ts";
import type { Path } from "../source.ts";

/** Every team of the chat has it, without a line in the file. */
const everywhere = "town-square";

/** Schedules whose outcome would have no place: no such channel, or one that the agent is not in. */
export function checkSchedules(draft: Draft): Problem[] {
  return draft.section("agents").flatMap(([agent, entry]) =>
    Object.entries(asMap(entry.schedules)).flatMap(([name, schedule]): Problem[] => {
      const path = ["agents", agent, "schedules", name, "channel"];
      const channel = asText(asMap(schedule).channel);
      if (channel === undefined) return [];
      return channelProblems(draft, path, channel, [agent]);
    }),
  );
}

/** A channel that is not there, or whose team some agents that have to post in it are not in. */
export function channelProblems(draft: Draft, path: Path, channel: string, agents: readonly string[]): Problem[] {
  const teams = draft.section("teams");
  const known = teams.flatMap(([team, { channels }]) =>
    [...asList(channels), everywhere].flatMap((name) =>
      asText(name) === undefined ? [] : [`${team}/${String(name)}`],
    ),
  );
  if (!known.includes(channel))
    return [{ code: "E-TEAM-REF", path, message: `unknown channel "${channel}"`, fix: knownWords(channel, known) }];
  const members = teams.find(([team]) => channel.startsWith(`${team}/`))?.[1].members;
  const out = Array.isArray(members) ? agents.filter((agent) => !members.includes(agent)) : [];
  if (out.length === 0) return [];
  const message = `${out.join(", ")} ${out.length === 1 ? "is" : "are"} not in the team of ${channel}`;
  return [{ code: "E-TEAM-REF", path, message, fix: "Add it to the team's members, or name another channel." }];
}
