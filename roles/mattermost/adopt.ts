import { dataFolder, programFolder, unitName } from "./unit.ts";

/** Where an install by hand, from Mattermost's own instructions, has everything. */
const byHand = "/opt/mattermost";

/** A user with running processes cannot be given another home, and files that are being written cannot be copied. */
export function byHandScripts(): { check: string; apply: string } {
  const ours = `/etc/systemd/system/${unitName}`;
  return {
    check: `[ ! -d ${byHand}/bin ] || { [ -f ${ours} ] && grep -q ${programFolder} ${ours}; } || ! systemctl -q is-active ${unitName}`,
    apply: `systemctl stop ${unitName}`,
  };
}

/**
 * Takes over what people wrote to a server that was installed by hand: files, plugins, and the configuration with its keys. Copied, so that
 * the install by hand stays as it was; only into a place that has nothing yet. Looks with the shell alone: it is asked at every run.
 */
export function adoptFilesScripts(): { check: string; apply: string; undo: string } {
  return {
    check: `set -- ${byHand}/data/*; if [ -e "$1" ]; then set -- ${dataFolder}/files/*; [ -e "$1" ]; fi`,
    apply: `need=$(kilobytes ${byHand}/data); have=$(df -Pk ${dataFolder} | awk 'END { print $4 }')
if [ "$need" -gt "$have" ]; then echo "no space left on device for a copy of ${byHand}/data: $(( need / 1000 + 1 )) MB needed, $(( have / 1000 )) MB free"; exit 1; fi
take() { # FROM TO: whole or not at all
  if [ ! -e "$1" ] || { [ -e "$2" ] && ! rmdir "$2" 2>/dev/null; }; then return 0; fi
  rm -rf "$2.new"; cp -a --reflink=auto "$1" "$2.new"; chown -R mattermost:mattermost "$2.new"; sync -f "$2.new"; mv -T "$2.new" "$2"
}
take ${byHand}/config/config.json ${dataFolder}/config.json
take ${byHand}/plugins ${dataFolder}/plugins
take ${byHand}/data ${dataFolder}/files
say kept "${byHand}/data: as it was; its content is now in ${dataFolder}/files"`,
    // The user is given back next, which takes that nothing of it runs; the unit of before is started last.
    undo: `systemctl stop ${unitName}`,
  };
}

/** Who had the tables and the schema before, for the way back: most tables' owner, as an install by hand has one. */
const ownersFile = '"$J/saved/mattermost-owners"';
const formerOwners = `select pg_get_userbyid(relowner) from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'S', 'v', 'm') group by 1 order by count(*) desc limit 1;
select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'public';`;
/** Of who is still there. What the server made since goes to the tables' owner, too: it is one database. */
const giveBack = `select format('reassign owned by mattermost to %I', rolname) from pg_roles where rolname = :'tables' \\gexec
select format('alter schema public owner to %I', rolname) from pg_roles where rolname = :'schema' \\gexec`;

/** A database that was made by hand belongs to another role, table by table. */
export function adoptTablesScripts(): { check: string; apply: string; undo: string } {
  const query =
    "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and c.relkind in ('r', 'S', 'v', 'm') and pg_get_userbyid(c.relowner) <> 'mattermost'";
  return {
    check: `[ ! -d ${byHand}/bin ] || [ "$(runuser -u postgres -- psql -AtX -d mattermost -c "${query}")" = 0 ]`,
    apply: `if [ ! -f ${ownersFile} ]; then
postgres_sql -d mattermost >"$R/owners" <<'SQL'
${formerOwners}
SQL
note ${ownersFile} <"$R/owners"
fi
cat >"$R/adopt" <<'SQL'
alter schema public owner to mattermost;
do $do$ declare one record; begin
  for one in select c.oid::regclass as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind in ('r', 'v', 'm', 'S') and pg_get_userbyid(c.relowner) <> 'mattermost'
    and not exists (select from pg_depend d where d.objid = c.oid and d.deptype in ('a', 'i') and c.relkind = 'S')
  loop execute format('alter table %s owner to mattermost', one.name); end loop;
  for one in select t.oid::regtype as name from pg_type t join pg_namespace n on n.oid = t.typnamespace
    where n.nspname = 'public' and t.typtype = 'e' loop execute format('alter type %s owner to mattermost', one.name); end loop;
end $do$;
SQL
postgres_sql -d mattermost <"$R/adopt"`,
    undo: `if [ -f ${ownersFile} ] && have_postgres && have_postgres_database mattermost; then
{ read -r tables; read -r schema; } <${ownersFile}
postgres_sql -d mattermost -v tables="$tables" -v schema="$schema" <<'SQL'
${giveBack}
SQL
fi`,
  };
}
