import type { Client4 } from "@mattermost/client";
import type { UserProfile } from "@mattermost/types/users";
import { rotationPrefix } from "../../secrets/check.ts";
import type { SecretStore } from "../../secrets/store.ts";
import { OlympusError } from "../base/errors.ts";
import type { LoadedTeam } from "../team/model.ts";
import { adminAccount, adminName, adminPassword } from "./admin-account.ts";
import { chatClient, statusOf } from "./client.ts";

/**
 * Logs in as the administrator; on an empty server makes that account first. While the password is being rotated, the old one is as good.
 * Throws E-CHAT-LOGIN when the password does not fit.
 */
export async function loginAsAdmin(
  url: string,
  team: LoadedTeam,
  secrets: SecretStore,
  signal?: AbortSignal,
): Promise<{ admin: Client4; made: boolean }> {
  const password = secrets.require(adminPassword).reveal();
  const client = chatClient(url, undefined, signal);
  const made = (await client.getClientConfig()).NoAccounts === "true";
  if (made) {
    // Whoever comes first on an empty server becomes its administrator: the one moment in which no login is needed.
    // On a machine of ours the role has made it already.
    const account = adminAccount(team.team.network.domain, password);
    await client.createUser(account as unknown as UserProfile, "", "");
  }
  try {
    const old = secrets.get(rotationPrefix + adminPassword)?.reveal();
    const user = await client.login(adminName, password).catch((error: unknown) => {
      if (old === undefined || statusOf(error) !== 401) throw error;
      return client.login(adminName, old);
    });
    if (!user.roles.split(" ").includes("system_admin")) {
      throw loginError(
        url,
        `${adminName} is not an administrator of the chat`,
        "Somebody else made the first account.",
      );
    }
  } catch (error) {
    if (statusOf(error) !== 401) throw error;
    throw loginError(
      url,
      `the chat does not take the password of ${adminName}`,
      "The server has accounts that this team's secrets did not make, or its password was changed there.\nGive the right one:  npx olympus secrets set mattermost.admin.password",
      error,
    );
  }
  return { admin: client, made };
}

function loginError(url: string, message: string, hint: string, cause?: unknown): OlympusError {
  return new OlympusError(message, { code: "E-CHAT-LOGIN", where: url, hint, cause });
}

/** Settings without which bots cannot work. The role fixes them; a server that somebody else set up may lack them. */
export async function ensureSettings(admin: Client4, url: string, changed: (what: string) => void): Promise<void> {
  const wanted = { EnableBotAccountCreation: true, EnableUserAccessTokens: true } as const;
  const names = Object.keys(wanted) as (keyof typeof wanted)[];
  const isSet = async (): Promise<boolean> => {
    const { ServiceSettings } = await admin.getConfig();
    return names.every((name) => ServiceSettings[name] === wanted[name]);
  };
  if (await isSet()) return;
  await admin.patchConfig({ ServiceSettings: wanted });
  if (!(await isSet())) {
    throw new OlympusError(`the chat does not allow ${names.join(" and ")}`, {
      code: "E-CHAT-CONFIG",
      where: url,
      hint: "They are fixed in the server's environment: npm run role -- setup mattermost --all",
    });
  }
  changed("bots and access tokens allowed");
}
