import { z } from "zod";
import { exitCodes, OlympusError } from "../../src/base/errors.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { defineRole } from "../../src/converge/types.ts";
import { distributionOf } from "../../src/team/distribution.ts";
import { clusterScripts, pgHba, placesOf, postgresqlConf } from "./config.ts";

/** What the newest Mattermost takes. */
const oldest = 14;

const params = z.strictObject({
  /** Major version, at least 14; the one that the machine's image packages unless given. */
  version: z
    .int()
    .min(oldest, { error: ({ input }) => `PostgreSQL ${String(input)} is too old: the chat wants ${oldest} or newer.` })
    .optional(),
  port: z.int().min(1).max(65535).default(5432),
  maxConnections: z.int().min(10).default(100),
  /** MiB. */
  sharedBuffers: z.int().min(16).default(128),
});

/** What each image packages. */
const packaged = new Map([
  ["debian-11", 13],
  ["debian-12", 15],
  ["debian-13", 17],
  ["ubuntu-20.04", 12],
  ["ubuntu-22.04", 14],
  ["ubuntu-24.04", 16],
]);

/** PostgreSQL from the distribution, with its data on the disk that outlives the root. Other roles make their databases in it. */
export const role = defineRole<z.output<typeof params>, { version: number }>({
  name: "postgresql",
  summary: "PostgreSQL for services on the same machine",
  requires: [{ role: "base", on: "host" }],
  params,
  data: { databases: "every database of the server, in /srv/olympus/postgresql" },

  inputs({ host }, { version }) {
    const image = host.machine?.image ?? "";
    const known = version ?? packaged.get(distributionOf(host) ?? "");
    if (known !== undefined && known >= oldest) return { version: known };
    throw new OlympusError(
      known === undefined
        ? `it is not known which PostgreSQL ${image === "" ? host.name : `the image ${image}`} packages`
        : `the image ${image} packages PostgreSQL ${known}, which is too old: the chat wants ${oldest} or newer`,
      {
        code: "E-POSTGRESQL-VERSION",
        exit: exitCodes.usage,
        where: host.name,
        hint:
          known === undefined
            ? "Say it in the team file:  roles: { postgresql: { version: 15 } }"
            : "Give the machine a newer image in the team file, such as debian-12.",
      },
    );
  },

  setup({ version }, { port, maxConnections, sharedBuffers }): Operation[] {
    const { config, unit } = placesOf(version);
    const restarts = [unit];
    const settings = { owner: "postgres", restarts } as const;
    return [
      // Before the package: otherwise its installation makes a cluster of its own, which takes long and is never used.
      { kind: "directory", id: "common", path: "/etc/postgresql-common" },
      {
        kind: "file",
        id: "no-default-cluster",
        path: "/etc/postgresql-common/createcluster.conf",
        content: "# Written by the role postgresql.\ncreate_main_cluster = false\n",
      },
      // Removed, not purged: a purge asks whether to delete the clusters, and without a terminal answers yes.
      { kind: "package", id: "package", names: [`postgresql-${version}`], reset: "remove" },
      { kind: "directory", id: "config-version", path: `/etc/postgresql/${version}`, owner: "postgres" },
      { kind: "directory", id: "config-folder", path: config, owner: "postgres" },
      {
        kind: "file",
        id: "config",
        path: `${config}/postgresql.conf`,
        content: postgresqlConf(version, { port, maxConnections, sharedBuffers }),
        ...settings,
      },
      { kind: "file", id: "access", path: `${config}/pg_hba.conf`, content: pgHba, mode: "0640", ...settings },
      { kind: "file", id: "names", path: `${config}/pg_ident.conf`, content: "", mode: "0640", ...settings },
      { kind: "file", id: "start", path: `${config}/start.conf`, content: "auto\n", owner: "postgres" },
      { kind: "directory", id: "srv", path: "/srv/olympus", data: "databases" },
      { kind: "directory", id: "unit-folder", path: `/etc/systemd/system/${unit}.d` },
      {
        kind: "file",
        id: "unit-mount",
        path: `/etc/systemd/system/${unit}.d/olympus.conf`,
        content: "[Unit]\nRequiresMountsFor=/srv/olympus\n",
      },
      {
        kind: "command",
        id: "unit-reload",
        summary: "wait for the data disk before each start",
        check: `systemctl show -p RequiresMountsFor ${unit} | grep -q /srv/olympus`,
        apply: "systemctl daemon-reload",
      },
      {
        kind: "command",
        id: "cluster",
        summary: `data directory of PostgreSQL ${version}: make, or take over`,
        ...clusterScripts(version),
        data: "databases",
      },
      { kind: "unit", id: "unit", name: unit, running: true },
      { kind: "wait", id: "answers", url: `tcp://127.0.0.1:${port}`, unit },
    ];
  },
});
