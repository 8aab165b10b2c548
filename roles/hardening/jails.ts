import type { Operation } from "../../src/converge/operations.ts";

/** Whom fail2ban never shuts out; there before its package is. */
export function exemptJails(admin: readonly string[]): Operation[] {
  return [
    { kind: "directory", id: "fail2ban-folder", path: "/etc/fail2ban" },
    { kind: "directory", id: "jails-folder", path: "/etc/fail2ban/jail.d" },
    {
      kind: "file",
      id: "exempt",
      path: "/etc/fail2ban/jail.d/olympus-exempt.local",
      content: `# Written by the role hardening.\n[DEFAULT]\nignoreip = ${["127.0.0.1/8", "::1", ...admin].join(" ")}\n`,
      restarts: ["fail2ban.service"],
    },
  ];
}

/** So many failed logins within some time, and how long the way is closed then. */
interface Ban {
  readonly failures: number;
  readonly within: string;
  readonly time: string;
}

/** The one jail that every host needs. Read from the journal: there need be no log file. */
export function jails(port: number, { failures, within, time }: Ban): string {
  return `# Written by the role hardening.
[DEFAULT]
backend = systemd
banaction = nftables
banaction_allports = nftables[type=allports]

[sshd]
enabled = true
port = ${port}
journalmatch = _SYSTEMD_UNIT=ssh.service + _COMM=sshd + _COMM=sshd-session
maxretry = ${failures}
findtime = ${within}
bantime = ${time}
`;
}
