import { quote } from "../../src/base/quote.ts";

const main = "/etc/ssh/sshd_config";
const folder = "/etc/ssh/sshd_config.d";

/** As sshd reads it: the first value given for a keyword holds, so ours stand before other drop-ins and the main file. */
export function sshdSettings(rootLogin: boolean, own: Readonly<Record<string, string>>): string {
  const settings: Record<string, string> = {
    PermitRootLogin: rootLogin ? "prohibit-password" : "no",
    PasswordAuthentication: "no",
    KbdInteractiveAuthentication: "no",
    PermitEmptyPasswords: "no",
    X11Forwarding: "no",
    LoginGraceTime: "30",
    ClientAliveInterval: "60",
    ClientAliveCountMax: "5",
  };
  for (const [keyword, value] of Object.entries(own)) {
    // Keywords are the same in any case.
    const known = Object.keys(settings).find((one) => one.toLowerCase() === keyword.toLowerCase());
    settings[known ?? keyword] = value;
  }
  return [
    "# Written by the role hardening.",
    ...Object.entries(settings).map(([keyword, value]) => `${keyword} ${value}`),
    "",
  ].join("\n");
}

/** The new settings before all that is there already, looked at by sshd itself. */
export const validateSshd = `t=$(mktemp); trap 'rm -f "$t"' EXIT
cat "$1" ${main} >"$t"; mkdir -p /run/sshd
sshd -t -f "$t"`;

/** Old main files read no drop-ins. */
export const includeDropIns = {
  summary: `${main}: read ${folder}`,
  check: `grep -qiE '^[[:space:]]*Include[[:space:]]+("?)${folder}/' ${main}`,
  apply: `sed -i '1i Include ${folder}/*.conf' ${main}; sync ${main}`,
  undo: `sed -i '1{/^Include .etc.ssh.sshd_config.d/d}' ${main}; notify ssh.service`,
} as const;

/**
 * sshd from 9.8 on makes sources of failed logins wait, whole offices behind one address included: people's networks are exempt.
 * Older ones do not know the keyword and would not start with it.
 */
export function exemption(admin: readonly string[]) {
  const file = `${folder}/09-olympus-exempt.conf`;
  const content = `PerSourcePenaltyExemptList ${admin.join(",")}`;
  return {
    summary: `sshd: ${admin.join(", ")} without penalties`,
    check: `! grep -qai persourcepenaltyexemptlist "$(command -v sshd)" || [ "$(cat ${file})" = ${quote(content)} ]`,
    apply: `printf '%s\\n' ${quote(content)} | note ${file}`,
    undo: `rm -f ${file}; notify ssh.service`,
  } as const;
}
