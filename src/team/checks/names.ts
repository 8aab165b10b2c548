import { asText, type Draft } from "../draft.ts";
import type { Problem } from "../problems.ts";

/** Words that mean something else in a connectivity row, a list of members or the chat. */
const reserved = {
  host: ["agents", "services", "hypervisors", "admin", "internet", "github", "chat", "rehearsal", "forge", "localhost"],
  chat: ["all", "channel", "here", "system", "matterbot"],
  // People get a login with the keys in the team file and no others: these have owners already, Olympus's own way in among them.
  login: [
    ...[
      "agent",
      "olympus",
      "olympus-backup",
      "olympus-forge",
      "mattermost",
      "openclaw",
      "postgres",
      "root",
      "libvirt-qemu",
      "sshd",
    ],
    ...[
      "backup",
      "bin",
      "daemon",
      "games",
      "irc",
      "list",
      "lp",
      "mail",
      "man",
      "messagebus",
      "news",
      "nobody",
      "proxy",
    ],
    ...["sync", "sys", "syslog", "uucp", "www-data"],
  ],
} as const;

/** Names and email addresses that stand for two things at once, or for something that is not in the file. */
export function checkNames(draft: Draft): Problem[] {
  return [
    ...unique(draft, ["agents", "services", "hypervisors"], "host name", reserved.host),
    ...unique(draft, ["agents", "people"], "chat name", reserved.chat),
    ...logins(draft),
    ...emails(draft),
  ];
}

function logins(draft: Draft): Problem[] {
  const taken: readonly string[] = reserved.login;
  return draft
    .names("people")
    .filter((name) => taken.includes(name))
    .map((name) => ({
      code: "E-TEAM-DUPLICATE",
      path: ["people", name],
      part: "key",
      message: `the login "${name}" is the machine's own`,
      fix: "Take another name for this person.",
    }));
}

function unique(
  draft: Draft,
  sections: readonly ("agents" | "services" | "hypervisors" | "people")[],
  what: string,
  taken: readonly string[],
): Problem[] {
  const seen = new Map<string, string>();
  const problems: Problem[] = [];
  for (const section of sections) {
    for (const name of draft.names(section)) {
      const path = [section, name];
      const other = seen.get(name);
      if (taken.includes(name)) {
        problems.push({
          code: "E-TEAM-DUPLICATE",
          path,
          part: "key",
          message: `the ${what} "${name}" is reserved`,
          fix: "Take another name.",
        });
      } else if (other !== undefined) {
        problems.push({
          code: "E-TEAM-DUPLICATE",
          path,
          part: "key",
          message: `the ${what} "${name}" is taken by ${other}.${name}`,
          fix: "Take another name here or there.",
        });
      } else seen.set(name, section);
    }
  }
  return problems;
}

function emails(draft: Draft): Problem[] {
  const seen = new Map<string, string>();
  return (["agents", "people"] as const).flatMap((section) =>
    draft.section(section).flatMap(([name, entry]): Problem[] => {
      const email = asText(entry.email)?.toLowerCase();
      if (email === undefined) return [];
      const other = seen.get(email);
      if (other === undefined) {
        seen.set(email, name);
        return [];
      }
      return [
        {
          code: "E-TEAM-DUPLICATE",
          path: [section, name, "email"],
          message: `email ${email} is ${other}'s already`,
          fix: "The chat needs one address for each: take another.",
        },
      ];
    }),
  );
}
