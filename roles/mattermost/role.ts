import { z } from "zod";
import { Secret } from "../../src/base/secret.ts";
import { adminAccount } from "../../src/bootstrap/admin-account.ts";
import { chatPort } from "../../src/bootstrap/url.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { defineRole } from "../../src/converge/types.ts";
import { administratorScripts, pingScript } from "./administrator.ts";
import { adoptFilesScripts, adoptTablesScripts, byHandScripts } from "./adopt.ts";
import { releaseName, releaseOperations, releaseSchema } from "./release.ts";
import { type MattermostServerFolder, mattermostServer } from "./server.ts";
import { mattermostSettings } from "./settings.ts";
import { chatTls, type ServerTls, tlsCredential, tlsOperations, tlsSchema, tlsSettings } from "./tls.ts";
import {
  dataFolder,
  dataScripts,
  mattermostUnit,
  programFolder,
  releasesFolder,
  secretsFile,
  settingsFile,
  unitName,
} from "./unit.ts";
import { upgradeScripts } from "./upgrade.ts";

const params = z.strictObject({
  /** Limit of the unit, MiB. */
  memoryMax: z.int().min(256).default(1024),
  /** Where people reach it when that is not the machine's own address, such as a proxy's. */
  siteUrl: z.url().optional(),
  /** A published release, fetched by the machine; what `olympus toolchain` has unless given. */
  release: releaseSchema.optional(),
  /** Seconds that another release gets to become healthy before the one of before comes back. */
  upgradeTimeout: z.int().min(5).default(900),
  /** How people and agents reach it: `off`, `team-ca`, or `{ certificate: PEM }` with its key in the secret tls.chat.key. */
  tls: tlsSchema,
  /** Further MM_* variables; they win over the role's own. */
  settings: z.record(z.string().regex(/^MM_[A-Z_]+$/), z.string()).default({}),
});

export interface MattermostInputs {
  readonly address: string;
  /** Of PostgreSQL on the same machine. */
  readonly databasePort: number;
  readonly password: Secret;
  /** The administrator's account as the server takes it. */
  readonly administrator: Secret;
  readonly tls?: ServerTls | undefined;
  /** What is shipped; nothing when a release is named. */
  readonly server?: MattermostServerFolder | undefined;
}

/** The team's chat: a Mattermost server over the machine's PostgreSQL. `olympus bootstrap` fills it. */
export const role = defineRole<z.output<typeof params>, MattermostInputs>({
  name: "mattermost",
  summary: "the team's chat",
  requires: [
    { role: "base", on: "host" },
    { role: "postgresql", on: "host" },
  ],
  params,
  data: { chat: "the chat's database and files (/srv/olympus/mattermost)" },

  async inputs(context, { release, tls, siteUrl }) {
    const { team, host, secrets } = context;
    const admin = secrets.require("mattermost.admin.password");
    const account = adminAccount(team.team.network.domain, admin.reveal());
    return {
      administrator: new Secret(admin.name, JSON.stringify(account)),
      address: host.address,
      databasePort: Number(host.roles.postgresql?.port ?? 5432),
      password: secrets.require("postgresql.mattermost"),
      tls: await chatTls(tls, siteUrl, context),
      server: release === undefined ? mattermostServer() : undefined,
    };
  },

  setup({ address, databasePort, password, administrator, tls, server }, params): Operation[] {
    const { memoryMax, siteUrl, settings, release: published, upgradeTimeout } = params;
    const restarts = [unitName];
    const release = releaseName(published, server);
    const scheme = tls === undefined ? "http" : "https";
    const asking = { port: chatPort, tls: tls?.name };
    const place = {
      siteUrl: siteUrl ?? `${scheme}://${address}:${chatPort}`,
      listen: `:${chatPort}`,
      data: dataFolder,
    };
    const dataSource = new Secret(
      password.name,
      `MM_SQLSETTINGS_DATASOURCE=postgres://mattermost:${encodeURIComponent(password.reveal())}@127.0.0.1:${databasePort}/mattermost?sslmode=disable&connect_timeout=10\n`,
    );
    return [
      { kind: "directory", id: "opt", path: "/opt/mattermost" },
      { kind: "directory", id: "releases", path: releasesFolder },
      ...releaseOperations(published, server),
      { kind: "command", id: "by-hand", summary: "stop a server that was installed by hand", ...byHandScripts() },
      { kind: "user", id: "user", name: "mattermost", system: true, home: dataFolder, shell: "/usr/sbin/nologin" },
      { kind: "directory", id: "srv", path: "/srv/olympus", data: "chat" },
      { kind: "command", id: "data", summary: `${dataFolder}: make, or take over`, ...dataScripts(), data: "chat" },
      { kind: "command", id: "adopt-files", summary: "take over files of an install by hand", ...adoptFilesScripts() },
      { kind: "postgresql-role", id: "database-role", name: "mattermost", password },
      { kind: "postgresql-database", id: "database", name: "mattermost", owner: "mattermost", data: "chat" },
      { kind: "command", id: "adopt-tables", summary: "take over a database made by hand", ...adoptTablesScripts() },
      { kind: "directory", id: "etc", path: "/etc/olympus" },
      {
        kind: "file",
        id: "settings",
        path: settingsFile,
        content: environment({
          ...mattermostSettings(place),
          ...(tls === undefined ? {} : tlsSettings),
          ...settings,
        }),
        restarts,
      },
      { kind: "directory", id: "secrets", path: "/etc/olympus/secrets", mode: "0700" },
      { kind: "file", id: "data-source", path: secretsFile, content: dataSource, mode: "0600", restarts },
      ...(tls === undefined ? [] : tlsOperations(tls, restarts)),
      {
        kind: "command",
        id: "upgrade",
        summary: `upgrade to ${published?.version ?? `release ${release}`}, and back unless it gets well`,
        ...upgradeScripts({ release, healthy: pingScript(asking), timeout: upgradeTimeout }),
      },
      // After the switch, which has to know what served before; the unit that starts a first server follows.
      { kind: "link", id: "current", path: programFolder, target: `releases/${release}` },
      {
        kind: "unit",
        id: "unit",
        name: unitName,
        content: mattermostUnit({ memoryMax, ...(tls === undefined ? {} : { credentials: tlsCredential }) }),
        enabled: true,
        running: true,
      },
      {
        kind: "command",
        id: "administrator",
        summary: "make the chat's administrator",
        ...administratorScripts(asking),
        stdin: administrator,
      },
      {
        kind: "wait",
        id: "answers",
        url: `${scheme}://127.0.0.1:${chatPort}/api/v4/system/ping`,
        timeout: 300,
        unit: unitName,
      },
    ];
  },
});

/** The text of an EnvironmentFile. Quotes keep spaces; the values are the role's own or from the team file. */
function environment(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}="${value.replaceAll(/["\\]/g, "\\$&")}"\n`)
    .join("");
}
