import { exitCodes, OlympusError } from "../base/errors.ts";
import { loginAsAdmin } from "../bootstrap/admin.ts";
import { makeToken, revokeOthers, tokenFits } from "../bootstrap/tokens.ts";
import { forgetOld, oldValueOf, type RotateContext, type Rotation } from "./rotation.ts";

/** An agent's bot token. Mattermost takes both until the old one is revoked, which happens once the agent speaks with the new one. */
export function botRotation(agent: string, context: RotateContext): Rotation {
  const { team, secrets, signal, chatUrl: url, apply } = context;
  const path = `mattermost.bots.${agent}`;
  const changed = (what: string): void => context.reporter.event({ type: "change", part: "chat", what });
  const userId = (): string => secrets.require(`${path}.id`).reveal();
  const asAdmin = async (work: (setup: Parameters<typeof makeToken>[0]) => Promise<unknown>): Promise<void> => {
    const { admin } = await loginAsAdmin(url, team, secrets, signal);
    try {
      await work({ admin, secrets, url, changed, signal });
    } finally {
      await admin.logout();
    }
  };
  return {
    name: `${path}.token`,
    users: [agent],
    overlap: "both tokens work until the agent is connected with the new one",
    begun: () => oldValueOf(secrets, `${path}.token`) !== undefined,
    async begin() {
      secrets.set(`rotation.${path}.token`, secrets.require(`${path}.token`).reveal());
      await asAdmin((setup) => makeToken(setup, path, userId()));
    },
    deliver: () => apply("agent", [agent]),
    async verify() {
      if (!(await tokenFits(url, secrets.require(`${path}.token`).reveal(), userId(), signal)))
        throw failed("refuses the new", url);
    },
    async finish() {
      signal.throwIfAborted();
      const old = oldValueOf(secrets, `${path}.token`)!;
      await asAdmin((setup) => revokeOthers(setup, path, userId()));
      if (await tokenFits(url, old, userId(), signal)) throw failed("still takes the old", url);
      await forgetOld(secrets, `${path}.token`);
    },
  };
}

function failed(what: string, url: string): OlympusError {
  return new OlympusError(`the chat ${what} token`, {
    code: "E-ROTATE",
    exit: exitCodes.failed,
    where: url,
    hint: "Run the same command again: it goes on where it was.",
  });
}
