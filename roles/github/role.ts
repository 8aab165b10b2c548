import { z } from "zod";
import { exitCodes, OlympusError } from "../../src/base/errors.ts";
import type { Secret } from "../../src/base/secret.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { defineRole } from "../../src/converge/types.ts";
import {
  ghHosts,
  gitFile,
  gitSettings,
  hostsFile,
  type Identity,
  includeScripts,
  preferences,
  signersFile,
  signingKey,
} from "./files.ts";
import { allowedSigners, knowsEnds, type Signer, signersOf } from "./signers.ts";

const params = z.strictObject({
  /** The agent's account on GitHub. */
  login: z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?$/, "Write the account's name on GitHub."),
  /** As commits show it; the agent's name unless given. */
  name: z
    .string()
    .regex(/^[^<>\n]+$/, "Write a name without < and >.")
    .optional(),
  /** For commits; the agent's own unless given. */
  email: z.email().optional(),
  /** The login on the machine that works in the agent's name. */
  user: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]*$/)
    .default("agent"),
});

interface Inputs {
  readonly identity: Identity;
  readonly token: Secret;
  readonly privateKey: Secret;
  readonly publicKey: string;
  /** Everybody whose commits are to be trusted: the team's agents that sign. */
  readonly signers: readonly Signer[];
}

/** An agent's name on GitHub: who commits, the key that signs, and the token by which git and gh log in. */
export const role = defineRole<z.output<typeof params>, Inputs>({
  name: "github",
  summary: "an agent's identity for git and GitHub: name, signing key, login",
  requires: [{ role: "base", on: "host" }],
  params,

  inputs({ host, hosts, secrets }, { name, email }) {
    const agent = host.machine?.agent;
    if (agent === undefined) {
      throw new OlympusError(`The role github is an agent's: ${host.name} is none.`, {
        code: "E-ROLE-HOST",
        exit: exitCodes.usage,
        where: host.name,
        hint: "Give the role to agents in the team file.",
      });
    }
    const signers = hosts.flatMap((other) => {
      const address = other.roles.github?.email ?? other.machine?.agent?.email;
      return typeof address === "string" ? signersOf(other.name, address, secrets, knowsEnds(host)) : [];
    });
    return {
      identity: { name: name ?? host.name, email: email ?? agent.email },
      token: secrets.require(`agents.${host.name}.github`),
      privateKey: secrets.require(`agents.${host.name}.signing.private`),
      publicKey: secrets.require(`agents.${host.name}.signing.public`).reveal(),
      signers,
    };
  },

  setup({ identity, token, privateKey, publicKey, signers }, { login, user }): Operation[] {
    const home = `/home/${user}`;
    const mine = { owner: user } as const;
    const config = preferences(home);
    return [
      { kind: "package", id: "packages", names: ["git", "openssh-client", "gh"] },
      { kind: "directory", id: "etc", path: "/etc/olympus" },
      { kind: "file", id: "signers", path: signersFile, content: allowedSigners(signers) },
      {
        // Not as a directory: the mode of one that is there is its owner's.
        kind: "command",
        id: "config-folder",
        summary: `${home}/.config/: create`,
        check: `[ -d ${home}/.config ]`,
        apply: `runuser -u ${user} -- mkdir -m 0700 ${home}/.config`,
        undo: `if [ -d ${home}/.config ]; then runuser -u ${user} -- rmdir --ignore-fail-on-non-empty ${home}/.config; fi`,
      },
      { kind: "directory", id: "folder", path: `${home}/.config/olympus`, mode: "0700", ...mine },
      { kind: "file", id: "key", path: signingKey(home), content: privateKey, mode: "0600", ...mine },
      { kind: "file", id: "key-public", path: `${signingKey(home)}.pub`, content: `${publicKey}\n`, ...mine },
      { kind: "file", id: "git", path: gitFile(home), content: gitSettings(identity, home), ...mine },
      {
        kind: "command",
        id: "git-include",
        summary: `${home}/.gitconfig: include ${gitFile(home)}`,
        ...includeScripts(home, user),
      },
      { kind: "directory", id: "gh-folder", path: `${home}/.config/gh`, mode: "0700", ...mine },
      {
        kind: "command",
        id: "gh-format",
        summary: `${config}: tell gh that its files are of the newer form`,
        check: `grep -qs '^version:' ${config}`,
        apply: `runuser -u ${user} -- sh -c 'echo "version: \\"1\\"" >>${config}'`,
        undo: `if [ "$(cat ${config})" = 'version: "1"' ]; then rm ${config}; fi`,
      },
      { kind: "file", id: "gh-login", path: hostsFile(home), content: ghHosts(login, token), mode: "0600", ...mine },
    ];
  },
});
