import { quote } from "../base/quote.ts";
import { listHosts } from "../team/hosts.ts";
import {
  forgetOld,
  oldValueOf,
  onHost,
  type RotateContext,
  type Rotation,
  replaceValue,
  rotationError,
} from "./rotation.ts";

/** An agent's token for GitHub, which only GitHub can make: the new one is given, and GitHub is asked whether it knows it. */
export function githubTokenRotation(agent: string, context: RotateContext, newValue: () => Promise<string>): Rotation {
  const { team, secrets, apply } = context;
  const path = `agents.${agent}.github`;
  const role = listHosts(team).find(({ name }) => name === agent)?.roles.github;
  return {
    name: path,
    users: role === undefined ? ["nobody now"] : [`${agent}'s git and gh`],
    overlap: "both work until you take the old one away at GitHub",
    begun: () => oldValueOf(secrets, path) !== undefined,
    begin: async () => replaceValue(secrets, path, await newValue()),
    deliver: async () => (role === undefined ? undefined : apply("github", [agent])),
    async verify() {
      if (role === undefined) return;
      const login = quote(typeof role.user === "string" ? role.user : "agent");
      const { code, printed } = await onHost(context, agent, `runuser -l ${login} -c 'gh api user --jq .login'`, "");
      if (code === 0) return;
      throw rotationError(`GitHub does not take the new token: ${printed}`, agent, {
        hint: `npx olympus secrets set ${path} takes another one; then run the same command again: it goes on where it was.`,
      });
    },
    finish: () => forgetOld(secrets, path),
  };
}
