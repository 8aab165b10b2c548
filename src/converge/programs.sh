# Functions of an apply for what comes from elsewhere; sourced after prelude.sh. Journals of hosts name the drop_ functions: keep them.

# get URL FILE: 2 when it does not fit. A size that is told beforehand is compared with what is free, before anything is written.
get() {
  code=0; free=$(free_kilobytes "${2%/*}"); : >"$R/head"
  if command -v curl >/dev/null; then
    curl -fsSL --connect-timeout 20 --speed-limit 1000 --speed-time 60 --max-filesize "$((free * 1024 + 1))" -D "$R/head" -o "$2" "$1" 2>"$R/get" || code=$?
  elif command -v wget >/dev/null; then wget -nv -T 60 -t 1 -O "$2" "$1" 2>"$R/get" || code=$?
  else echo "there is neither curl nor wget" >"$R/get"; return 1; fi
  # curl: too large, or not to be written; wget: not to be written. The latter may have other reasons.
  case $code in 0) ;; 63) return 2 ;; 23|3) if [ "$(free_kilobytes "${2%/*}")" -lt 1024 ]; then return 2; fi; return 1 ;; *) return 1 ;; esac
}
free_kilobytes() { df -Pk "$1" | awk 'END { print $4 }'; }
no_room() { # URL FOLDER
  need="$(sed -n 's/^ *[Cc]ontent-[Ll]ength: *\([0-9]*\).*/\1/p' "$R/head" | tail -n 1)"
  if [ -n "$need" ]; then need="$((need / 1000 + 1)) kB needed, "; fi
  echo "no space left in $2 for $1: $need$(($(free_kilobytes "$2") * 1024 / 1000)) kB free"
}
sum_of() { sha256sum <"$1" | cut -c 1-64; }
# fetch URL SHA256: into "$B"/SHA256. Tried twice; what is not as pinned does not stay.
fetch() {
  if [ -f "$B/$2" ] && [ "$(sum_of "$B/$2")" = "$2" ]; then return 0; fi
  for attempt in 1 2; do
    rm -f "$B/$2" "$B/$2.part"
    why="not what was pinned"
    code=0; get "$1" "$B/$2.part" || code=$?
    if [ "$code" = 2 ]; then rm -f "$B/$2.part"; no_room "$1" "$B"; return 1; fi
    if [ "$code" != 0 ]; then why="$(tr '\n' ' ' <"$R/get")"; fi
    got=nothing
    if [ -f "$B/$2.part" ]; then got="$(sum_of "$B/$2.part")"; fi
    if [ "$got" = "$2" ]; then mv "$B/$2.part" "$B/$2"; return 0; fi
    rm -f "$B/$2.part"
    echo "$1 (try $attempt of 2): $why: sha256 $got, pinned $2"
  done
  return 1
}
unpack_fetched() { # SHA256 PATH STRIP tar|zip
  if [ -d "$2" ]; then rm -f "$B/$1"; return 0; fi
  t="$(dirname "$2")/.olympus.$(basename "$2")"; temp "$t"
  rm -rf "$t"; mkdir "$t"; chmod 755 "$t"
  if [ "$4" = zip ]; then unzip -q "$B/$1" -d "$t"; else tar -xf "$B/$1" -C "$t" --no-same-owner --strip-components="$3"; fi || { rm -rf "$t"; return 1; }
  if [ "$4" = zip ] && [ "$3" != 0 ]; then inner="$(ls -A "$t")"; mv "$t/$inner" "$t.in" && rmdir "$t" && mv "$t.in" "$t" || { rm -rf "$t" "$t.in"; return 1; }; fi
  sync -f "$t"; mv -T "$t" "$2"; rm -f "$B/$1"
}

# git, as its files' owner, with nobody's settings and no questions.
git_as() { who=$1; shift; runuser -u "$who" -- env -i PATH="$PATH" HOME=/nonexistent LC_ALL=C GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 git "$@"; }
git_at() { # OWNER PATH COMMIT
  if ! git_as "$1" -C "$2" cat-file -e "$3^{commit}" 2>/dev/null; then
    # Not every server gives a single commit.
    git_as "$1" -C "$2" fetch -q --depth 1 origin "$3" || git_as "$1" -C "$2" fetch -q origin '+refs/heads/*:refs/remotes/origin/*'
  fi && git_as "$1" -C "$2" checkout -q --detach "$3"
}
checkout() { # URL PATH COMMIT OWNER
  if [ -d "$2/.git" ]; then git_as "$4" -C "$2" remote set-url origin "$1"; git_at "$4" "$2" "$3"; return; fi
  t="$(dirname "$2")/.olympus.$(basename "$2")"; temp "$t"
  rm -rf "$t"; mkdir "$t"; chown -h "$4:" "$t"
  { git_as "$4" -C "$t" init -q && git_as "$4" -C "$t" remote add origin "$1" && git_at "$4" "$t" "$3"; } || { rm -rf "$t"; return 1; }
  mv -T "$t" "$2"
}
drop_checkout() { # PATH OWNER
  if [ ! -d "$1" ]; then return 0; fi
  if state="$(git_as "$2" -C "$1" status --porcelain --ignored; git_as "$2" -C "$1" for-each-ref refs/heads refs/stash)" && [ -z "$state" ]; then take_tree "$1"
  else say kept "$1: a checkout with changes that are not ours"; fi
}

npm_global() { # NPM PREFIX COMMAND [OPTION OR NAME]
  npm=$1 prefix=$2 verb=$3; shift 3
  t="$(mktemp -d)"
  # Started from elsewhere, npm would read that folder's settings.
  # Node's own list of authorities does not have those that a team added to the machine.
  ( cd "$t"; NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt PATH="$(dirname "$npm"):$PATH" HOME="$t" "$npm" "$verb" --global --prefix "$prefix" --cache "$t/cache" --no-audit --no-fund --no-update-notifier --loglevel error "$@" ) || { rm -rf "$t"; return 1; }
  rm -rf "$t"
}
npm_install() { # NPM PREFIX NAME@VERSION [OPTION]
  n=$1 p=$2; shift 2; npm_global "$n" "$p" install "$@"
}
# Of an installed package, install scripts of some. A package whose scripts failed is not installed.
npm_scripts() { # NPM PREFIX NAME SCRIPTS-OF...
  n=$1 p=$2 name=$3; shift 3
  npm_global "$n" "$p" rebuild --ignore-scripts=false --foreground-scripts "$@" || { drop_npm "$p" "$name"; return 1; }
}
drop_npm() { # PREFIX NAME
  for l in "$1"/bin/*; do case "$(readlink "$l")" in "../lib/node_modules/$2/"*) rm -f "$l" ;; esac; done
  rm -rf "$1/lib/node_modules/$2"
  case "$2" in */*) if [ -d "$1/lib/node_modules/${2%%/*}" ]; then rmdir --ignore-fail-on-non-empty "$1/lib/node_modules/${2%%/*}"; fi ;; esac
}

pipx_install() { # FOLDER BIN NAME==VERSION
  t="$(mktemp -d)"
  HOME="$t" PIPX_HOME="$1" PIPX_BIN_DIR="$2" PIPX_MAN_DIR="$1/man" PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 pipx install --force "$3" || { rm -rf "$t"; return 1; }
  rm -rf "$t"
}
drop_pipx() { # FOLDER BIN NAME
  for l in "$2"/*; do case "$(readlink "$l")" in "$1/venvs/$3/"*) rm -f "$l" ;; esac; done
  rm -rf "$1/venvs/$3"
}
