import type { Secret } from "../../base/secret.ts";
import type { Clock } from "../clock.ts";
import type { AgentConfig, ForgeConfig, RepositoryConfig } from "../config.ts";
import type { Forge } from "../forge-port.ts";
import type { Log } from "../log.ts";
import type { Store } from "../store/open.ts";

/** What work on a forge needs, beside what runs work with. */
export interface ForgeParts {
  readonly config: AgentConfig;
  readonly settings: ForgeConfig;
  readonly forge: Forge;
  /** For git: the same that `forge` has. */
  readonly token: Secret;
  /** The team's. */
  readonly key: Secret;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

/** The label of what its agent does not go on with: a person has to say how. */
export const needsHuman = "needs-human";

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

export const repositoryOf = ({ repositories }: ForgeConfig, repo: string): RepositoryConfig | undefined =>
  repositories.find(({ name }) => same(name, repo));

export const isMe = ({ login }: ForgeConfig, who: string): boolean => same(login, who);
