import type { Client4 } from "@mattermost/client";
import type { SecretStore } from "../../secrets/store.ts";
import type { LoadedTeam } from "../team/model.ts";

/** What every step of the bootstrap works with. */
export interface ChatSetup {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  /** Logged in as the administrator. */
  readonly admin: Client4;
  readonly url: string;
  readonly signal: AbortSignal;
  /** Says that something on the server or among the secrets was changed, for people: "bot athena made". */
  changed(what: string): void;
  /** Tells people what is otherwise than they may think, though nothing was changed. */
  told(what: string): void;
  /** Shows a one-time password, at once: nobody else knows it, whatever fails afterwards. */
  showPassword(person: string, password: string): void;
}
