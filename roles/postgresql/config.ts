/** Where one major version's server keeps its things. The data lies on the disk that outlives the machine's root. */
export interface PostgresqlPlaces {
  readonly programs: string;
  readonly config: string;
  readonly data: string;
  readonly unit: string;
}

/** The cluster's name in Debian's tools (`pg_lsclusters`); not `main`, which a server that was there before may have. */
export const clusterName = "olympus";

/** All clusters' data, whatever their version. */
export const dataRoot = "/srv/olympus/postgresql";

export function placesOf(version: number): PostgresqlPlaces {
  return {
    programs: `/usr/lib/postgresql/${version}/bin`,
    config: `/etc/postgresql/${version}/${clusterName}`,
    data: `${dataRoot}/${version}/${clusterName}`,
    unit: `postgresql@${version}-${clusterName}.service`,
  };
}

export interface PostgresqlTuning {
  readonly port: number;
  readonly maxConnections: number;
  /** MiB. */
  readonly sharedBuffers: number;
}

/**
 * The server's whole configuration, in Debian's place for it, so that Debian's units and tools know the cluster. It is written here
 * instead of by `pg_createcluster`, which cannot take a data directory whose configuration is gone with the root disk.
 */
export function postgresqlConf(version: number, { port, maxConnections, sharedBuffers }: PostgresqlTuning): string {
  const { config, data } = placesOf(version);
  return `# Written by the role postgresql.
data_directory = '${data}'
hba_file = '${config}/pg_hba.conf'
ident_file = '${config}/pg_ident.conf'
external_pid_file = '/run/postgresql/${version}-${clusterName}.pid'
cluster_name = '${version}/${clusterName}'
listen_addresses = '127.0.0.1'
port = ${port}
unix_socket_directories = '/run/postgresql'
max_connections = ${maxConnections}
shared_buffers = ${sharedBuffers}MB
password_encryption = scram-sha-256
timezone = 'Etc/UTC'
log_timezone = 'Etc/UTC'
log_line_prefix = '%m [%p] %q%u@%d '
`;
}

/** Who may connect: the machine's root through user postgres, everyone else with a password, nobody from outside. */
export const pgHba = `# Written by the role postgresql.
local  all  postgres                peer
local  all  all                     peer
host   all  all       127.0.0.1/32  scram-sha-256
`;

/** Makes the data directory, or takes over the one that an earlier root disk left: its user may have another number now. */
export function clusterScripts(version: number): { check: string; apply: string; undo: string } {
  const { programs, data } = placesOf(version);
  return {
    check: `[ "$(stat -c %U ${data}/PG_VERSION)" = postgres ]`,
    apply: `if [ -f ${data}/PG_VERSION ]; then
  chown -R postgres:postgres ${dataRoot}
else
  for other in ${dataRoot}/*/${clusterName}/PG_VERSION; do
    if [ -f "$other" ]; then
      echo "there is data of PostgreSQL $(cat "$other") in \${other%/PG_VERSION}: upgrade it with pg_upgradecluster, or set the role's version to it"
      exit 1
    fi
  done
  install -d -m 0755 -o postgres -g postgres ${dataRoot} ${dataRoot}/${version}
  rm -rf ${data}.new
  runuser -u postgres -- ${programs}/initdb -D ${data}.new -E UTF8 --locale=C.UTF-8 --auth-local=peer --auth-host=scram-sha-256 --no-sync --no-instructions
  sync -f ${data}.new
  mv -T ${data}.new ${data}
fi`,
    // Only a purge comes here; the server has been stopped by then.
    undo: `back_up_path ${data}
rm -rf ${data} ${data}.new
rmdir --ignore-fail-on-non-empty ${dataRoot}/${version} ${dataRoot}`,
  };
}
