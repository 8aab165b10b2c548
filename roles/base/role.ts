import { z } from "zod";
import { quote } from "../../src/base/quote.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { defineRole } from "../../src/converge/types.ts";
import { trustedAuthorities } from "../mattermost/tls.ts";
import {
  localeOperations,
  localeSchema,
  timeOperations,
  timeServersSchema,
  upgradeOperations,
  upgradesSchema,
} from "./system.ts";

const params = z.strictObject({
  /** Debian packages that people want everywhere. */
  packages: z.array(z.string()).default([]),
  locale: localeSchema,
  /** Servers to keep the time by; the distribution's own when empty, nothing is done about time when not given. */
  timeServers: timeServersSchema,
  /** Updates that install themselves; none unless given. */
  upgrades: upgradesSchema,
  /** Certificate authorities in PEM that the machine is to trust, by name. */
  authorities: z.record(z.string().regex(/^[a-z0-9-]+$/), z.string()).default({}),
});

interface Person {
  readonly name: string;
  readonly keys: readonly string[];
  readonly admin: boolean;
  /** Olympus comes in by this login, too. */
  readonly shared?: true;
}

interface Inputs {
  readonly name: string;
  readonly domain: string;
  readonly timezone: string;
  /** All machines of the team, for /etc/hosts. */
  readonly hosts: readonly { readonly name: string; readonly address: string }[];
  /** People with a key. */
  readonly people: readonly Person[];
  /** The team's own authority, in PEM, where the chat has a certificate by it; while that is rotated the newer one after it. */
  readonly trusted?: readonly string[];
}

export const role = defineRole<z.output<typeof params>, Inputs>({
  name: "base",
  summary: "names of the team's machines, people's logins and keys, time zone, folders of Olympus",
  requires: [],
  params,

  inputs({ team: loaded, host, hosts, secrets }) {
    const { team } = loaded;
    return {
      trusted: trustedAuthorities(loaded, secrets),
      name: host.name,
      domain: team.network.domain,
      timezone: team.defaults.timezone,
      hosts: hosts.map(({ name, address }) => ({ name, address })),
      people: Object.entries(team.people)
        .filter(([, { keys }]) => keys.length > 0)
        .map(([name, { keys, admin }]) => ({ name, keys, admin, ...(name === host.user ? { shared: true } : {}) })),
    };
  },

  setup(
    { name, domain, timezone, hosts, people, trusted = [] },
    { packages, authorities, locale, timeServers, upgrades },
  ) {
    return [
      ...(packages.length === 0 ? [] : [{ kind: "package" as const, id: "packages", names: packages }]),
      { kind: "file", id: "hostname", path: "/etc/hostname", content: `${name}\n` },
      {
        kind: "command",
        id: "hostname-now",
        summary: `host name: ${name}`,
        check: `read -r now </proc/sys/kernel/hostname; [ "$now" = ${name} ]`,
        apply: `hostname ${name}`,
      },
      ...hosts.map(
        (other): Operation => ({
          kind: "line",
          id: `hosts-${other.name}`,
          path: "/etc/hosts",
          line: `${other.address} ${other.name}.${domain} ${other.name}`,
          // A machine that moved keeps one line; cloud-init's own line for 127.0.1.1 is left alone.
          match: `^(?!127\\.)\\S+ ${other.name}\\.\\S+ ${other.name}$`,
        }),
      ),
      { kind: "link", id: "timezone", path: "/etc/localtime", target: `/usr/share/zoneinfo/${timezone}` },
      { kind: "file", id: "timezone-name", path: "/etc/timezone", content: `${timezone}\n` },
      ...localeOperations(locale),
      ...timeOperations(timeServers),
      ...upgradeOperations(upgrades),
      { kind: "directory", id: "programs", path: "/opt/olympus" },
      { kind: "directory", id: "settings", path: "/etc/olympus" },
      ...people.flatMap(personOperations),
      // Each rotation ends with one file less, whose going makes the machine collect all of them afresh.
      ...authorityOperations({
        ...Object.fromEntries(trusted.map((authority, at) => [at === 0 ? "team" : "team-next", authority])),
        ...authorities,
      }),
    ];
  },
});

function personOperations({ name, keys, admin, shared }: Person): Operation[] {
  // Beside the keys that are there: without Olympus's own nobody could take this back.
  if (shared === true) return [{ kind: "authorized-keys", id: `keys-${name}`, user: name, keys }];
  const home = `/home/${name}`;
  return [
    { kind: "user", id: `person-${name}`, name, home, shell: "/bin/bash", makeHome: true },
    { kind: "directory", id: `ssh-${name}`, path: `${home}/.ssh`, mode: "0700", owner: name },
    {
      kind: "file",
      id: `keys-${name}`,
      path: `${home}/.ssh/authorized_keys`,
      content: `${keys.join("\n")}\n`,
      mode: "0600",
      owner: name,
    },
    ...(admin
      ? [
          {
            kind: "file" as const,
            id: `sudo-${name}`,
            path: `/etc/sudoers.d/olympus-${name}`,
            content: `${name} ALL=(ALL) NOPASSWD:ALL\n`,
            mode: "0440",
          },
        ]
      : []),
  ];
}

function authorityOperations(authorities: Readonly<Record<string, string>>): Operation[] {
  const names = Object.keys(authorities);
  if (names.length === 0) return [];
  const files = names.map((name) => `/usr/local/share/ca-certificates/olympus-${name}.crt`);
  const bundle = "/etc/ssl/certs/ca-certificates.crt";
  return [
    { kind: "package", id: "authorities-package", names: ["ca-certificates"] },
    ...names.flatMap((name, at): Operation[] => [
      {
        kind: "command",
        id: `authority-${name}-ends`,
        summary: `trust in ${name} ends with its certificate`,
        check: `[ -f ${files[at]} ]`,
        apply: ":",
        // Comes before the file, so that it is undone after it: only then there is one less to collect.
        undo: "update-ca-certificates --fresh",
      },
      {
        kind: "file",
        id: `authority-${name}`,
        path: files[at]!,
        content: authorities[name]!.endsWith("\n") ? authorities[name]! : `${authorities[name]}\n`,
      },
    ]),
    {
      kind: "command",
      id: "authorities",
      summary: "trust the team's certificate authorities",
      // By what is wished, not by the files' times: another content under a name comes with the same run.
      check: Object.values(authorities)
        .map((pem) => `tr -d '\\n' <${bundle} | grep -qF -- ${quote(pem.replaceAll("\n", ""))}`)
        .join("\n"),
      // That looks at names alone, and would leave links to another content as they are. Links of others that lead nowhere count as
      // errors of their making: what counts is that ours are found.
      apply: [
        "update-ca-certificates",
        'openssl rehash /etc/ssl/certs >/dev/null 2>&1 || : "looked at next"',
        ...files.map(
          (file) => `openssl verify -no-CAfile -CApath /etc/ssl/certs -partial_chain -no_check_time ${file}`,
        ),
      ].join("\n"),
    },
  ];
}
