import type { Client4 } from "@mattermost/client";
import type { SecretStore } from "../../secrets/store.ts";
import { messageOf } from "../base/errors.ts";
import type { Reporter } from "../base/report.ts";
import type { LoadedTeam } from "../team/model.ts";
import { ensureSettings, loginAsAdmin } from "./admin.ts";
import { ensureBots } from "./bots.ts";
import { chatError, uncut, waitForChat } from "./client.ts";
import type { ChatSetup } from "./context.ts";
import { ensurePeople, type PeopleWishes } from "./people.ts";
import { ensureTeams } from "./teams.ts";
import { trustTeamAuthority } from "./trust.ts";
import { chatUrl } from "./url.ts";

export interface BootstrapOptions extends PeopleWishes {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** Where the chat is; the team file's own address unless given. */
  readonly url?: string;
  /** How long to wait for the server to answer, ms. */
  readonly waitMs?: number;
}

export interface BootstrapResult {
  /** What was made, renamed, enabled or revoked; 0 when all was as wished. */
  readonly changed: number;
  /** People who were given a one-time password now. It was shown through the reporter, and is kept nowhere. */
  readonly given: readonly string[];
  /** People who still use their one-time password. */
  readonly pending: readonly string[];
}

/**
 * Turns an empty Mattermost into the team's chat, and one that is set up into what the team file says now: administrator, bots with their
 * tokens (into the secrets), people with their pinned ids, teams, channels, members. A second call changes nothing; an interrupted one
 * is mended by the next. Removes nobody.
 * Throws E-CHAT-DOWN (exit 4), E-CHAT-LOGIN, E-CHAT-CONFIG, E-CHAT-NAME, E-CHAT-PINNED (exit 6), E-CHAT-REFUSED.
 */
export async function bootstrap(options: BootstrapOptions): Promise<BootstrapResult> {
  const { team, secrets, reporter, signal } = options;
  const url = options.url ?? chatUrl(team);
  trustTeamAuthority(secrets);
  let count = 0;
  const changed = (what: string): void => {
    count += 1;
    reporter.event({ type: "change", part: "chat", what });
  };
  const told = (what: string): void => reporter.info(what);
  const given: string[] = [];
  // To the person, and only there: no event, no result, no log has it.
  const showPassword = (person: string, password: string): void => {
    given.push(person);
    reporter.info(
      `password  ${person}: ${password}   (for the chat's web page; shown once, kept nowhere; to be changed at the first login)`,
    );
  };
  await waitForChat(url, options.waitMs ?? 60_000, signal);
  try {
    const { admin, made } = await loginAsAdmin(url, team, secrets, signal);
    if (made) changed("administrator made");
    try {
      await ensureSettings(admin, url, changed);
      const setup: ChatSetup = { team, secrets, admin, url, signal, changed, told, showPassword };
      const bots = await ensureBots(setup, options.adopt);
      const people = await ensurePeople(setup, options);
      await ensureTeams(setup, new Map([...bots, ...people.ids]));
      return { changed: count, given, pending: people.pending };
    } finally {
      await endSession(admin, reporter);
      await secrets.save();
    }
  } catch (error) {
    throw chatError(error, url, "be set up");
  }
}

/** A session that stays open is no reason to lose what was done, nor to hide why it was not done. */
async function endSession(admin: Client4, reporter: Reporter): Promise<void> {
  try {
    await uncut(admin).logout();
  } catch (error) {
    reporter.warn(`the administrator's session in the chat could not be ended (${messageOf(error)})`);
  }
}
