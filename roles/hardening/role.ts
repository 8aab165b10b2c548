import { z } from "zod";
import { defineRole } from "../../src/converge/types.ts";
import { adminNetworks } from "../../src/team/connectivity.ts";
import { exemptJails, jails } from "./jails.ts";
import { kernelSettings } from "./kernel.ts";
import { exemption, includeDropIns, sshdSettings, validateSshd } from "./sshd.ts";

const word = z.string().regex(/^[^\n\r]+$/, "Write it in one line.");
const time = z.string().regex(/^\d+[smhdw]?$/, "Write a time such as 600, 10m or 1h.");

const params = z.strictObject({
  /** Keywords of sshd_config in place of the role's, or beside them. */
  sshd: z.record(z.string().regex(/^[A-Za-z]+$/, "Write a keyword of sshd_config."), word).default({}),
  /** Kernel settings in place of the role's, or beside them. */
  sysctl: z
    .record(
      z.string().regex(/^-?[a-z0-9_./-]+$/i, "Write a name such as net.ipv4.tcp_syncookies."),
      z.union([word, z.int()]),
    )
    .default({}),
  /** So many failed logins within `within` close a source's way for `ban`. */
  ban: z
    .strictObject({
      failures: z.int().min(1).default(5),
      within: time.default("10m"),
      time: time.default("1h"),
    })
    .prefault({}),
});

interface Inputs {
  /** Networks that are never banned. */
  readonly admin: readonly string[];
  /** Where sshd listens. */
  readonly port: number;
  /** Roles are applied as root: root's keys stay good. */
  readonly rootLogin: boolean;
}

export const role = defineRole<z.output<typeof params>, Inputs>({
  name: "hardening",
  summary: "logins by key alone, sources of failed logins shut out, careful kernel settings",
  requires: [],
  params,

  inputs: ({ team, host }) => ({
    admin: adminNetworks(team),
    port: host.port,
    rootLogin: host.user === "root",
  }),

  setup({ admin, port, rootLogin }, { sshd, sysctl, ban }) {
    return [
      // People's networks are exempt before anything is there that could shut them out.
      ...exemptJails(admin),
      { kind: "command", id: "sshd-exempt", ...exemption(admin), restarts: ["ssh.service"] },
      { kind: "package", id: "packages", names: ["fail2ban", "python3-systemd", "nftables"] },
      {
        kind: "file",
        id: "jails",
        path: "/etc/fail2ban/jail.d/olympus.local",
        content: jails(port, ban),
        restarts: ["fail2ban.service"],
      },
      { kind: "unit", id: "fail2ban", name: "fail2ban.service", enabled: true, running: true },
      { kind: "sysctl", id: "kernel", name: "hardening", settings: { ...kernelSettings, ...sysctl } },
      { kind: "command", id: "sshd-include", ...includeDropIns, restarts: ["ssh.service"], access: true },
      {
        kind: "file",
        id: "sshd",
        // Read before the image's own 10-olympus.conf, which stays as it is: of two values sshd takes the first.
        path: "/etc/ssh/sshd_config.d/05-hardening.conf",
        content: sshdSettings(rootLogin, sshd),
        validate: validateSshd,
        restarts: ["ssh.service"],
        access: true,
      },
    ];
  },
});
