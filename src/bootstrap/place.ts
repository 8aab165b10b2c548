import { exitCodes, OlympusError } from "../base/errors.ts";
import type { LoadedTeam } from "../team/model.ts";
import { unknownWord } from "../team/unknown.ts";
import { operatorOf } from "./people.ts";
import { membersOf } from "./teams.ts";

/** Who speaks, and where. */
export interface Place {
  readonly person: string;
  readonly team: string;
  readonly channel: string;
}

/**
 * Finds who speaks to an agent and in which channel, by the team file alone. `channel` is `name` or `team/name`.
 * Throws E-UNKNOWN for an unknown agent or person, E-CHAT-PLACE for a channel that they do not share.
 */
export function findPlace(team: LoadedTeam, agent: string, as?: string, channel?: string): Place {
  const { agents, people, teams } = team.team;
  if (agents[agent] === undefined) throw unknownWord("agent", agent, Object.keys(agents), { where: team.file });
  const person = as ?? operatorOf(people);
  if (person === undefined)
    throw wrong(team, "the team file has no people who could speak", "Add one under `people:`.");
  if (people[person] === undefined) {
    throw unknownWord("person", person, Object.keys(people), { where: team.file });
  }
  const shared = Object.keys(teams)
    .filter((name) => [agent, person].every((member) => membersOf({ team }, name).includes(member)))
    .flatMap((name) => teams[name]!.channels.map((one) => ({ person, team: name, channel: one })));
  const found = shared.find(
    (place) => channel === undefined || [place.channel, `${place.team}/${place.channel}`].includes(channel),
  );
  if (found !== undefined) return found;
  const names = shared.map((place) => `${place.team}/${place.channel}`);
  throw wrong(
    team,
    channel === undefined
      ? `${person} and ${agent} share no channel`
      : `${person} and ${agent} are not both in ${channel}`,
    names.length === 0 ? "Put both into one of `teams:`." : `They share ${names.join(", ")}.`,
  );
}

function wrong(team: LoadedTeam, message: string, hint: string): OlympusError {
  return new OlympusError(message, { code: "E-CHAT-PLACE", exit: exitCodes.usage, where: team.file, hint });
}
