import { generatePassword } from "../../secrets/generate.ts";
import { chatMachine } from "../bootstrap/url.ts";
import {
  forgetOld,
  oldValueOf,
  onHost,
  type RotateContext,
  type Rotation,
  replaceValue,
  rotationError,
} from "./rotation.ts";

const path = "postgresql.mattermost";

/**
 * The password of the chat's database. PostgreSQL knows one password a role, so the two cannot be taken side by side: connections that are
 * open go on, and the role restarts the server right after it has set the new one.
 */
export function databaseRotation(context: RotateContext): Rotation {
  const { team, secrets, apply } = context;
  const host = chatMachine(team).name;
  const port = Number(team.machines.find(({ name }) => name === host)?.roles.postgresql?.port ?? 5432);
  return {
    name: path,
    users: [`PostgreSQL and Mattermost on ${host}`],
    overlap: "open connections go on; Mattermost is restarted once",
    begun: () => oldValueOf(secrets, path) !== undefined,
    begin: () => replaceValue(secrets, path, generatePassword()),
    deliver: () => apply("mattermost", [host]),
    async verify() {
      if (!(await letsIn(secrets.require(path).reveal()))) {
        throw rotationError("PostgreSQL does not take the new password", host);
      }
    },
    async finish() {
      if (await letsIn(oldValueOf(secrets, path)!)) {
        throw rotationError("PostgreSQL still takes the old password", host);
      }
      await forgetOld(secrets, path);
    },
  };

  /** Whether PostgreSQL takes a password over TCP, as Mattermost logs in. It travels on stdin into a file that only root reads. */
  async function letsIn(password: string): Promise<boolean> {
    const script = `umask 077
file=$(mktemp) && trap 'rm -f "$file"' EXIT && cat >"$file"
PGPASSFILE=$file psql -w -h 127.0.0.1 -p ${port} -U mattermost -d mattermost -Atc 'select 42' 2>&1`;
    const { code, printed } = await onHost(context, host, script, `*:*:*:mattermost:${password}\n`);
    if (code === 0 && printed === "42") return true;
    if (printed.includes("password authentication failed")) return false;
    throw rotationError(`the password could not be tried: ${printed.replaceAll(/\s+/g, " ")}`, host);
  }
}
