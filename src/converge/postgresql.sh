# Functions of an apply for PostgreSQL, as its own administrator, SQL on stdin; sourced with prelude.sh. Journals of hosts name those that
# undo: keep them.

postgres_sql() { runuser -u postgres -- psql -AtXq -v ON_ERROR_STOP=1 "$@"; }
have_postgres() { command -v psql >/dev/null && echo 'select 1' | postgres_sql >/dev/null 2>&1; }
drop_postgres_role() {
  if ! have_postgres; then return 0; fi
  owns="$(printf "select count(*) from pg_shdepend d join pg_roles r on r.oid = d.refobjid where r.rolname = '%s' and d.deptype in ('o', 'a')\n" "$1" | postgres_sql)"
  if [ "$owns" = 0 ]; then printf 'drop role if exists "%s";\n' "$1" | postgres_sql; else say kept "database role $1, which owns data"; fi
}

# keep_verifier ROLE FILE: what opened a role that was there before us; FILE is of this change alone. Of a password that is ours nothing
# is kept: it may be revoked by now.
keep_verifier() {
  if [ -e "$J/saved/$2" ] || grep -qsF -e "\"postgresql-role:$1\"" "$J/journal.jsonl" || claimed_alone "$1" ||
    grep -F -e "\"postgresql-password:$1\"" "$J/journal.jsonl" | grep -qvF -e "$2"; then return 0; fi
  known="$(echo "select rolpassword from pg_authid where rolname = :'name'" | postgres_sql -v name="$1")"
  ( umask 077; printf '%s\n' "$known" | note "$J/saved/$2" )
}
# claimed_alone ROLE: an earlier release set its password and noted the role only. Claims of today outlive a rollback, and tell nothing.
claimed_alone() {
  for claim in "$J"/claims/*; do
    if grep -qsF -e "\"postgresql-role:$1\"" "$claim" && ! grep -qF -e "\"postgresql-password:$1\"" "$claim"; then return 0; fi
  done
  return 1
}
restore_verifier() { # ROLE FILE
  if ! have_postgres || ! have_postgres_role "$1" || [ ! -f "$J/saved/$2" ]; then return 0; fi
  if [ -z "$(cat "$J/saved/$2")" ]; then echo 'alter role :"name" password null;'
  else printf "\\\\set verifier '%s'\nalter role :\"name\" password :'verifier';\n" "$(cat "$J/saved/$2")"; fi | postgres_sql -v name="$1"
}
have_postgres_role() { [ -n "$(echo "select 1 from pg_roles where rolname = :'name'" | postgres_sql -v name="$1")" ]; }
have_postgres_database() { [ -n "$(echo "select 1 from pg_database where datname = :'name'" | postgres_sql -v name="$1")" ]; }
give_database() { # NAME OWNER
  if ! have_postgres || ! have_postgres_database "$1"; then return 0; fi
  if ! have_postgres_role "$2"; then say kept "database $1 as it is: its owner of before, $2, is gone"; return; fi
  echo 'alter database :"name" owner to :"owner";' | postgres_sql -v name="$1" -v owner="$2"
}
