import { z } from "zod";
import type { Operation } from "../../src/converge/operations.ts";

/** `de_DE.UTF-8`; `C.UTF-8` is on every machine. */
export const localeSchema = z
  .string()
  .regex(/^(C|[a-z]{2,3}_[A-Z]{2})\.UTF-8$/, "Write it such as de_DE.UTF-8, or C.UTF-8.")
  .default("C.UTF-8");

/** Whose time the machine keeps. */
export const timeServersSchema = z.array(z.string().regex(/^[\w.:-]+$/, "Names or addresses.")).optional();

export const upgradesSchema = z
  .strictObject({
    /** What is installed by itself: security updates, or everything that the release updates. */
    what: z.enum(["security", "all"]).default("security"),
    /** `04:00`; the machine restarts then when an update asks for it. Never unless given. */
    restartAt: z
      .string()
      .regex(/^([01]\d|2[0-3]):[0-5]\d$/, "Write it such as 04:00.")
      .optional(),
  })
  .optional();

/** The language of programs; any other than C is generated first. */
export function localeOperations(locale: string): Operation[] {
  const line: Operation = {
    kind: "line",
    id: "locale",
    path: "/etc/default/locale",
    line: `LANG=${locale}`,
    match: "^LANG=",
    // The older place is a link to the newer one from Debian 13 and Ubuntu 24.04 on.
    linked: "/etc/locale.conf",
  };
  if (locale === "C.UTF-8") return [line];
  // As `locale -a` has it.
  const name = locale.replace("UTF-8", "utf8");
  return [
    { kind: "package", id: "locales", names: ["locales"] },
    {
      kind: "line",
      id: "locale-wanted",
      path: "/etc/locale.gen",
      line: `${locale} UTF-8`,
      match: `^# ?${locale} UTF-8`,
    },
    {
      kind: "command",
      id: "locale-made",
      summary: `generate ${locale}`,
      check: `locale -a | grep -qx ${name}`,
      apply: "locale-gen",
      undo: `if command -v localedef >/dev/null; then localedef --delete-from-archive ${name} || : "it is not there"; fi`,
    },
    line,
  ];
}

/** systemd's own client, asking these servers. */
export function timeOperations(servers: readonly string[] | undefined): Operation[] {
  if (servers === undefined) return [];
  const unit = "systemd-timesyncd.service";
  const folder = "/etc/systemd/timesyncd.conf.d";
  const asked = servers.length === 0 ? "" : `NTP=${servers.join(" ")}\n`;
  return [
    { kind: "package", id: "timesync", names: ["systemd-timesyncd"] },
    { kind: "directory", id: "timesync-folder", path: folder },
    {
      kind: "file",
      id: "timesync-servers",
      path: `${folder}/olympus.conf`,
      content: `[Time]\n${asked}`,
      restarts: [unit],
    },
    { kind: "unit", id: "timesync-unit", name: unit, enabled: true },
    {
      kind: "command",
      id: "timesync-runs",
      summary: "keep the clock",
      // Where the clock is somebody else's, as in a container, it starts and finds that it has nothing to do.
      check: `systemctl -q is-active ${unit} || [ -n "$(systemctl show -P ConditionTimestamp ${unit})" ]`,
      apply: `systemctl start ${unit}`,
    },
  ];
}

/** Debian's unattended-upgrades, by its own timers. */
export function upgradeOperations(upgrades: z.output<typeof upgradesSchema>): Operation[] {
  if (upgrades === undefined) return [];
  const { what, restartAt } = upgrades;
  // The machine's own release, whichever that is: unattended-upgrades fills it in.
  const release = "$" + "{distro_codename}";
  const debian = (name: string, label = ""): string => `origin=Debian,codename=${release}${name}${label}`;
  const ubuntu = (name: string): string => `origin=Ubuntu,archive=${release}${name}`;
  const origins = [
    debian("-security", ",label=Debian-Security"),
    ubuntu("-security"),
    ...(what === "all" ? [debian("", ",label=Debian"), debian("-updates"), ubuntu(""), ubuntu("-updates")] : []),
  ];
  return [
    { kind: "package", id: "upgrades", names: ["unattended-upgrades"] },
    {
      kind: "file",
      id: "upgrades-period",
      path: "/etc/apt/apt.conf.d/20auto-upgrades",
      content: 'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "1";\n',
    },
    {
      kind: "file",
      id: "upgrades-what",
      path: "/etc/apt/apt.conf.d/52olympus-upgrades",
      content: `// Written by the role base: these in place of the package's own list.
#clear Unattended-Upgrade::Origins-Pattern;
#clear Unattended-Upgrade::Allowed-Origins;
Unattended-Upgrade::Origins-Pattern {
${origins.map((origin) => `  "${origin}";\n`).join("")}};
Unattended-Upgrade::Automatic-Reboot "${restartAt === undefined ? "false" : "true"}";
${restartAt === undefined ? "" : `Unattended-Upgrade::Automatic-Reboot-Time "${restartAt}";\n`}`,
    },
    { kind: "unit", id: "upgrades-unit", name: "unattended-upgrades.service", enabled: true, running: true },
    { kind: "unit", id: "upgrades-lists", name: "apt-daily.timer", enabled: true, running: true },
    { kind: "unit", id: "upgrades-install", name: "apt-daily-upgrade.timer", enabled: true, running: true },
  ];
}
