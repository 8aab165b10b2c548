import type { Channel } from "@mattermost/types/channels";
import type { Team as ChatTeam } from "@mattermost/types/teams";
import { orNothing } from "./client.ts";
import type { ChatSetup } from "./context.ts";

/** Who is in a team of the team file: agents and people by name. */
export function membersOf(setup: Pick<ChatSetup, "team">, name: string): string[] {
  const { agents, people, teams } = setup.team.team;
  const members = teams[name]?.members ?? [];
  return members === "all" ? [...Object.keys(agents), ...Object.keys(people)] : members;
}

/** Makes every team and channel of the team file and puts its members in. `ids` maps names of agents and people to user ids. */
export async function ensureTeams(setup: ChatSetup, ids: ReadonlyMap<string, string>): Promise<void> {
  for (const [name, wanted] of Object.entries(setup.team.team.teams)) {
    setup.signal.throwIfAborted();
    const team = await ensureTeam(setup, name, wanted.display);
    const members = membersOf(setup, name).map((member) => ids.get(member)!);
    await addMissing(
      members,
      (all) =>
        setup.admin.getTeamMembersByIds(team.id, all).then((found) => found.filter((one) => one.delete_at === 0)),
      (missing) => setup.admin.addUsersToTeam(team.id, missing),
      (count) => setup.changed(`${count} joined team ${name}`),
    );
    for (const channelName of wanted.channels) {
      const channel = await ensureChannel(setup, team, channelName);
      await addMissing(
        members,
        (all) => setup.admin.getChannelMembersByIds(channel.id, all),
        (missing) => Promise.all(missing.map((id) => setup.admin.addToChannel(id, channel.id))),
        (count) => setup.changed(`${count} joined channel ${channelName}`),
      );
    }
  }
}

async function ensureTeam({ admin, changed }: ChatSetup, name: string, display: string): Promise<ChatTeam> {
  const found = await orNothing(admin.getTeamByName(name));
  if (found === undefined) {
    changed(`team ${name} made`);
    return admin.createTeam({ name, display_name: display, type: "I" } as ChatTeam);
  }
  if (found.display_name === display) return found;
  changed(`team ${name} renamed to ${display}`);
  return admin.patchTeam({ id: found.id, display_name: display });
}

async function ensureChannel({ admin, changed }: ChatSetup, team: ChatTeam, name: string): Promise<Channel> {
  const found = await orNothing(admin.getChannelByName(team.id, name, true));
  if (found === undefined) {
    changed(`channel ${name} made`);
    return admin.createChannel({ team_id: team.id, name, display_name: name, type: "O" });
  }
  if (found.delete_at === 0) return found;
  changed(`channel ${name} brought back from the archive`);
  return admin.unarchiveChannel(found.id);
}

async function addMissing(
  wanted: readonly string[],
  present: (ids: string[]) => Promise<readonly { user_id: string }[]>,
  add: (missing: string[]) => Promise<unknown>,
  added: (count: number) => void,
): Promise<void> {
  const there = new Set((await present([...wanted])).map((member) => member.user_id));
  const missing = wanted.filter((id) => !there.has(id));
  if (missing.length === 0) return;
  await add(missing);
  added(missing.length);
}
