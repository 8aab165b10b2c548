import { ancestors, contentLimit, type FactRequest } from "./facts.ts";
import { journalFolder, runFolder, seedApplied } from "./places.ts";
import { quote, quoteAll } from "./quote.ts";

export interface FactScriptOptions {
  /** A random word that begins each line of framing, so that no content can be taken for it. */
  readonly marker: string;
  /** Roles whose claims are wanted. */
  readonly roles: readonly string[];
  /** Also the whole journal and all claims, for what is to be undone. */
  readonly journal: boolean;
  /** Also the runs that the host remembers. */
  readonly history?: boolean;
}

/**
 * One POSIX script that answers all requests, with one process per kind of request. Under emulation each process costs
 * tens of milliseconds, so whatever the shell can do itself, it does.
 */
export function factScript(requests: readonly FactRequest[], options: FactScriptOptions): string {
  const only = <K extends FactRequest["fact"]>(kind: K): Extract<FactRequest, { fact: K }>[] =>
    requests.filter((one): one is Extract<FactRequest, { fact: K }> => one.fact === kind);
  const names = (kind: "package" | "user" | "group" | "unit"): string =>
    quoteAll([...new Set(only(kind).map(({ name }) => name))]);

  const parts = [
    // No home directory, no user's settings, one language.
    `exec 2>/dev/null; cd /; export LC_ALL=C QUOTING_STYLE=literal; m=${options.marker}`,
    `s() { printf '\\n%s %s\\n' "$m" "$*"; }`,
    stateScript(options),
  ];
  const section = (name: string, wanted: readonly unknown[], script: string): void => {
    if (wanted.length > 0) parts.push(`s ${name}\n${script}`);
  };
  section(
    "packages",
    only("package"),
    `dpkg-query -W -f '\${Package}\\t\${db:Status-Status}\\t\${Version}\\t\${db:Status-Want}\\n' ${names("package")}`,
  );
  section("users", only("user"), `getent passwd ${names("user")}`);
  section("groups", only("group"), `getent group ${names("group")}`);
  const paths = only("path");
  section(
    "paths",
    paths,
    `stat --printf '%f\\t%a\\t%U\\t%G\\t%s\\t%N\\n' ${quoteAll([...new Set(paths.map(({ path }) => path))])}`,
  );
  section("hashes", paths.filter(needsHash), hashScript(paths.filter(needsHash)));
  section(
    "units",
    only("unit"),
    `systemctl show -p Id,Names,LoadState,ActiveState,UnitFileState,NeedDaemonReload ${names("unit")}`,
  );
  const spaces = [...new Set(only("space").flatMap(({ path }) => ancestors(path)))];
  section("space", spaces, `stat -f --printf '%a\\t%S\\t%c\\t%d\\t%i\\t%n\\n' ${quoteAll(spaces)}`);
  const blobs = [...new Set(only("blob").map(({ hash }) => hash))];
  section(
    "blobs",
    blobs,
    `for b in ${quoteAll(blobs)}; do if [ -f ${quote(journalFolder)}/blobs/"$b" ]; then printf '%s\\n' "$b"; fi; done`,
  );
  section("postgresql", only("postgresql"), postgresqlScript(only("postgresql")));
  for (const { key, script } of only("command")) {
    parts.push(`( set -eu; exec </dev/null >/dev/null\n${script}\n)\ns command $? ${quote(key)}`);
  }
  parts.push("s end");
  return parts.join("\n");
}

function needsHash(request: Extract<FactRequest, { fact: "path" }>): boolean {
  return request.hash === true || request.contentUnless !== undefined;
}

function stateScript({ roles, journal, history = false }: FactScriptOptions): string {
  const folder = quote(journalFolder);
  const lines = [
    "s state; date +%s",
    // The lock's owner is written while it is held; a file left by a dead run is told from a live one by trying the lock.
    `if [ -f ${runFolder}/owner ] && ! flock -n ${runFolder}/lock true; then read -r o <${runFolder}/owner; s lock "$o"; fi`,
    `if [ -d ${folder} ]; then read -r g <${folder}/generation; s generation "$g"; if [ -f ${folder}/format ]; then read -r f <${folder}/format; s format "$f"; fi`,
    // No word of a run that is on its way: it holds the lock. Most hosts have nothing to tell, which costs no process.
    `read -r t <${folder}/told; if [ "$g" != "$t" ]; then h=$(tail -n 2 ${folder}/history.jsonl); if [ ! -e ${runFolder}/lock ] || flock -n ${runFolder}/lock true; then s untold "$t"; printf '%s\\n' "$h"; fi; fi`,
    `if [ -s ${folder}/pending ]; then s pending; cat ${folder}/pending; fi`,
  ];
  if (journal) {
    lines.push(
      `s claims; cat ${folder}/claims/*`,
      `s journal; if [ -f ${folder}/journal.jsonl ]; then cat ${folder}/journal.jsonl; fi`,
    );
  } else {
    lines.push(`s claims; cat ${roles.map((role) => quote(`${journalFolder}/claims/${role}`)).join(" ")}`);
  }
  if (history) lines.push(`s history; if [ -f ${folder}/history.jsonl ]; then cat ${folder}/history.jsonl; fi`);
  lines.push(
    "fi",
    // cloud-init's own word that it stays away goes at systemd's next reload.
    `if [ -d /run/cloud-init ] && [ ! -e /run/cloud-init/disabled ] && [ ! -e ${seedApplied} ]; then s cloud; cat /run/cloud-init/status.json; if [ ! -s /run/cloud-init/result.json ]; then s cloud-running; fi; fi`,
  );
  return lines.join("\n");
}

function hashScript(paths: readonly Extract<FactRequest, { fact: "path" }>[]): string {
  const known = paths.flatMap(({ path, contentUnless }) =>
    contentUnless === undefined ? [] : [{ path, hash: contentUnless }],
  );
  const sums = `sha256sum ${quoteAll([...new Set(paths.map(({ path }) => path))])}`;
  if (known.length === 0) return sums;
  const same = known.map(({ path, hash }) => `${quote(`${hash} ${path}`)}) ;;`).join("\n");
  const wanted = known.map(({ path }) => quote(`${path}`)).join("|");
  return `${sums} | while read -r h p; do printf '%s  %s\\n' "$h" "$p"
case "$h $p" in
${same}
*) case "$p" in ${wanted}) printf '%s content ' "$m"; head -c ${contentLimit + 1} "$p" | base64 -w0; printf ' %s\\n' "$p";; esac;;
esac; done`;
}

function postgresqlScript(requests: readonly Extract<FactRequest, { fact: "postgresql" }>[]): string {
  const list = (values: readonly (string | undefined)[]): string =>
    `(${["", ...new Set(values.filter((value) => value !== undefined))].map((value) => `'${value.replaceAll("'", "''")}'`).join(",")})`;
  const query = `select 'role', rolname, coalesce(rolpassword, ''), rolcanlogin::text from pg_authid where rolname in ${list(requests.map(({ role }) => role))}
union all select 'database', datname, pg_get_userbyid(datdba), '' from pg_database where datname in ${list(requests.map(({ database }) => database))}${
    requests.some(({ setting }) => setting !== undefined)
      ? `
union all select 'setting', name, setting, '' from pg_file_settings where sourcefile like '%/postgresql.auto.conf' and name in ${list(requests.map(({ setting }) => setting))}`
      : ""
  }`;
  return `if command -v psql >/dev/null; then
PGCONNECT_TIMEOUT=3 runuser -u postgres -- psql -AtX -F '	' -c ${quote(query)} </dev/null && printf 'answered\\n'; fi`;
}
