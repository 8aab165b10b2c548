import { loginAsAdmin } from "../bootstrap/admin.ts";
import { chatError, uncut } from "../bootstrap/client.ts";
import { makeToken, revokeOthers, tokenFits } from "../bootstrap/tokens.ts";
import { applyToAgents, forgetOld, oldValueOf, type RotateContext, type Rotation, rotationError } from "./rotation.ts";

/** An agent's bot token. Mattermost takes both until the old one is revoked, which happens once the agent speaks with the new one. */
export function botRotation(agent: string, context: RotateContext): Rotation {
  const { team, secrets, signal, chatUrl: url } = context;
  const path = `mattermost.bots.${agent}`;
  const changed = (what: string): void => context.reporter.event({ type: "change", part: "chat", what });
  const userId = (): string => secrets.require(`${path}.id`).reveal();
  const asAdmin = async (work: (setup: Parameters<typeof makeToken>[0]) => Promise<unknown>): Promise<void> => {
    const { admin } = await loginAsAdmin(url, team, secrets, signal);
    try {
      await work({ admin, secrets, url, changed, signal });
    } finally {
      await uncut(admin).logout();
    }
  };
  /** Words for a person where the chat is down or refuses. */
  const told = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      throw chatError(error, url, "change a token");
    }
  };
  const fits = (token: string): Promise<boolean> => tokenFits(url, token, userId(), signal);
  return {
    name: `${path}.token`,
    users: [agent],
    overlap: "both tokens work until the agent is connected with the new one",
    begun: () => oldValueOf(secrets, `${path}.token`) !== undefined,
    begin: () =>
      told(async () => {
        secrets.set(`rotation.${path}.token`, secrets.require(`${path}.token`).reveal());
        await asAdmin((setup) => makeToken(setup, path, userId()));
      }),
    deliver: () => applyToAgents([agent], context),
    verify: () =>
      told(async () => {
        const token = secrets.require(`${path}.token`).reveal();
        if (!(await fits(token))) throw rotationError("the chat refuses the new token", url);
      }),
    finish: () =>
      told(async () => {
        const old = oldValueOf(secrets, `${path}.token`)!;
        await asAdmin((setup) => revokeOthers(setup, path, userId()));
        if (await fits(old)) throw rotationError("the chat still takes the old token", url);
        await forgetOld(secrets, `${path}.token`);
      }),
  };
}
