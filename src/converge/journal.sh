# What a host remembers of changes, for undoing them; sourced with prelude.sh.

# Journal and saved state; each is on disk before the change that it is about begins.
# note FILE: what comes on stdin, whole or not at all, and there once this has ended, also after a power cut: what it is about may be on
# another disk. Until it has its name, one of the journal's own stands where no claim and no saved file is looked for.
note() {
  case "$1" in "$J"/*) new="$J/.new" ;; *) new="$1.new"; temp "$new" ;; esac
  cat >"$new" && sync "$new" && mv -T "$new" "$1" && sync "${1%/*}"
}
# Programs say why nothing can be written; the shell says "I/O error" of a full disk.
j() { printf '%s\n' "$1" | cat >>"$J/journal.jsonl" && sync "$J/journal.jsonl"; }
keep_file() {
  if [ ! -f "$J/saved/$2" ]; then copy_out "$1" "$J/saved/$2.new"; chmod 600 "$J/saved/$2.new"; sync "$J/saved/$2.new"; mv "$J/saved/$2.new" "$J/saved/$2"; fi
}
# A secret that was put there by an earlier run is not kept: brought back after a rotation it would be one that is revoked.
keep_secret() { # FILE SHA256 WHAT-ITS-ENTRIES-HOLD
  if [ -f "$J/journal.jsonl" ] && grep -qF -e "$3" "$J/journal.jsonl"; then return 0; fi
  keep_file "$1" "$2"
}
# keep_packages LIST: what is there before ours come, of this try. A try that was killed did not say what it had installed: the list of
# before it stays.
keep_packages() {
  list="$J/saved/$1"
  installed >"$R/before"
  if [ -f "$list" ] && [ ! -f "$list.made" ]; then return 0; fi
  if [ -f "$list.made" ]; then comm -23 "$R/before" "$list.made"; else cat "$R/before"; fi >"$R/not-ours"
  note "$list" <"$R/not-ours"; rm -f "$list.made"
}
claim() { printf '%s\n' "$2" | note "$J/claims/$1"; }
unclaim() { rm -f "$J/claims/$1"; }
# rewrite_journal FILE: replaces the journal; forgets saved files that no entry speaks of.
rewrite_journal() { note "$J/journal.jsonl" <"$1"; forget_saved; }
forget_saved() {
  for saved in "$J"/saved/*; do
    if [ -f "$saved" ] && ! grep -qF "$(basename "$saved" .made)" "$J/journal.jsonl"; then rm -f "$saved"; fi
  done
}

# trim_journal: what a reset needs, the oldest entry of each thing, stays for good. Later ones are for rollbacks: those of the newest ten
# runs stay, or of the newest alone when what they saved takes more than $trim_kilobytes.
trim_kilobytes=262144
trim_journal() {
  if [ ! -s "$J/journal.jsonl" ]; then return 0; fi
  trimmed 10 >"$R/trimmed" || return 1
  if [ -s "$R/spare" ] && [ "$(cd "$J/saved" && kilobytes $(cat "$R/spare") 2>/dev/null)" -gt "$trim_kilobytes" ]; then trimmed 1 >"$R/trimmed" || return 1; fi
  if ! cmp -s "$R/trimmed" "$J/journal.jsonl"; then rewrite_journal "$R/trimmed"; fi
}
# trimmed RUNS: the journal with the newest RUNS runs; what these alone saved, by name, in "$R/spare".
trimmed() {
  rm -f "$R/spare"
  awk -v runs="$1" -v spare="$R/spare" '
    function part(pattern) { return match($0, pattern) ? substr($0, RSTART, RLENGTH) : "" }
    { run = part("\"run\":\"[^\"]*\""); sum = part("\"sha256\":\"[0-9a-f]*\"")
      thing = part("\"role\":\"[^\"]*\"") part("\"resource\":\"([^\"\\\\]|\\\\.)*\"") }
    NR == FNR { if (!(run in order)) order[run] = ++count; if (!(thing in oldest)) { oldest[thing] = FNR; needed[sum] }; next }
    oldest[thing] == FNR { print; next }
    order[run] > count - runs { print; if (sum != "" && !(sum in needed)) { needed[sum]; print substr(sum, 11, 64) >spare } }
  ' "$J/journal.jsonl" "$J/journal.jsonl"
}
