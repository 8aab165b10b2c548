import { randomBytes } from "node:crypto";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { Secret } from "../base/secret.ts";
import type { SshConnection } from "../ssh/connection.ts";
import { type BlobSums, type Bundle, markerOf } from "./apply-script.ts";
import { blobFile, unpackedSize } from "./blobs.ts";
import { parseFacts } from "./fact-parse.ts";
import { type FactScriptOptions, factScript } from "./fact-script.ts";
import type { FactRequest, Facts, HostState } from "./facts.ts";
import { journalFolder, runFolder } from "./places.ts";
import { quote } from "./quote.ts";
import { restate } from "./restate.ts";
import { checkBytes, type SentBlob } from "./room.ts";
import { createRootShell } from "./root-shell.ts";
import { freeMark, type RunListener, type RunOutcome, runWatcher } from "./watch.ts";

/** Linux takes 128 KiB in one argument; longer scripts go over stdin and cost a round trip more. */
const argumentLimit = 100_000;

/** What can be done on a host over one connection, as root. */
export interface HostSession {
  /** One round trip for everything asked. */
  gather(
    requests: readonly FactRequest[],
    options: ReadOptions,
  ): Promise<{ facts: Facts; state: HostState; skew: number }>;
  /** Waits until nobody holds the host's lock any more, `seconds` at most. */
  waitForLock(seconds: number): Promise<void>;
  /** Waits until cloud-init has ended, `seconds` at most. */
  waitForCloudInit(seconds: number): Promise<void>;
  /** Ships what the host lacks, starts the run as a unit of its own, and watches it to its end. */
  apply(run: string, compile: (sums: BlobSums) => Bundle, facts: Facts, told: RunListener): Promise<RunOutcome>;
  /** Watches a run that is on its way, or reads what a finished one printed. */
  attach(run: string, told: RunListener): Promise<RunOutcome>;
  /** Tells a run that this connection came through, after a role changed who can get in. */
  confirmAccess(run: string, role: string): Promise<void>;
  /** Notes on the host that somebody knows how this run ended. */
  noteTold(run: string): Promise<void>;
}

export interface SessionOptions {
  /** For sudo, should it want one. */
  readonly password?: Secret | undefined;
  /** A look at the host that takes longer fails: something there hangs. 180 unless given. */
  readonly lookSeconds?: number | undefined;
  /** A run that takes longer hangs: its unit is ended, with every process of it. Four hours unless given. */
  readonly runSeconds?: number | undefined;
}

/** What to read of Olympus's own state beside the facts. */
export type ReadOptions = Omit<FactScriptOptions, "marker">;

/** A session over `ssh`; commands are ended by `signal`, runs on the host are not. */
export function createSession(ssh: SshConnection, signal: AbortSignal, options: SessionOptions = {}): HostSession {
  const { password, lookSeconds = 180, runSeconds = 4 * 3600 } = options;
  const { target } = ssh;
  const shell = createRootShell(ssh, password);

  async function gather(
    requests: readonly FactRequest[],
    options: ReadOptions,
  ): Promise<{ facts: Facts; state: HostState; skew: number }> {
    const marker = `olympus-${randomBytes(6).toString("hex")}`;
    const script = factScript(requests, { ...options, marker });
    // Should the host not even end it by itself, it is not waited for much longer.
    const bounds = { signal, seconds: lookSeconds, timeoutMs: (lookSeconds + 20) * 1000 };
    const asked = Date.now();
    const answer =
      script.length < argumentLimit
        ? await shell.run(`-c ${quote(script)}`, bounds)
        : await shell.run("-s", { ...bounds, stdin: script });
    if (answer.code === 124 && !answer.stdout.includes(`${marker} end`)) {
      throw hangsError(
        target.name,
        lookSeconds,
        answer.stdout.split("\n").findLast((line) => line.startsWith(marker)),
      );
    }
    if (!answer.stdout.includes(`${marker} state`)) throw noAnswerError(target.name, answer.stderr, answer.code);
    try {
      const seen = parseFacts(answer.stdout, marker);
      return { ...seen, skew: clockSkew(seen.state.epoch, asked, Date.now()) };
    } catch (error) {
      if (error instanceof OlympusError) throw restate(error, `${target.name}: ${error.message}`, target.name);
      throw error;
    }
  }

  return {
    gather,

    async apply(run, compile, facts, told) {
      const { blobs, written } = compile(new Map());
      const sent: SentBlob[] = [];
      for (const [hash, { source, to, unpacked }] of blobs) {
        const file = await blobFile(source);
        const packed = "localFolder" in source;
        const room = unpacked ?? (packed ? await unpackedSize(file) : file.size);
        sent.push({ hash, file, to, room, packed, missing: !facts.blobs.includes(hash) });
      }
      checkBytes(target.name, sent, written, facts);
      const sums = new Map(sent.map(({ hash, file }) => [hash, file.sha256]));
      const bundle = compile(sums);
      const missing = sent.filter((one) => one.missing);
      const { tarStream } = await import("./tar.ts");
      const stream = tarStream([
        ...bundle.files.map(({ path, content }) => ({
          path,
          content: Buffer.from(content instanceof Secret ? content.reveal() : content),
        })),
        { path: "apply.sh", content: Buffer.from(bundle.script) },
        ...missing.map(({ hash, file }) => ({ path: `b/${hash}`, ...file })),
      ]);
      const bytes = missing.reduce((sum, { file }) => sum + file.size, 0);
      return runWatcher(shell, target.name, startScript(run, runSeconds), run, told, signal, { stream, bytes });
    },

    async attach(run, told) {
      return runWatcher(shell, target.name, watchScript(run), run, told, signal);
    },

    async confirmAccess(run, role) {
      const mark = `-c ${quote(`cd ${runFolder}/runs/${run}/access-${role} && : >confirmed`)}`;
      const answer = await shell.run(mark, { signal });
      if (answer.code !== 0) throw noAnswerError(target.name, answer.stderr, answer.code);
    },

    async noteTold(run) {
      // Where nothing can be written there, it is told once more: no harm. A disk that hangs is not waited for.
      const bounds = { signal, seconds: 10, timeoutMs: 20_000 };
      await shell.run(`-c ${quote(`printf '%s\\n' ${run} >${journalFolder}/told`)}`, bounds);
    },

    async waitForCloudInit(seconds) {
      await shell.run("-c 'cloud-init status --wait >/dev/null 2>&1'", { signal, seconds });
    },

    async waitForLock(seconds) {
      await shell.run(`-c ${quote(`flock -w ${seconds} ${runFolder}/lock true`)}`, { signal });
    },
  };
}

/**
 * Unpacks what comes on stdin and starts it as a unit, which lives on when the connection is cut.
 * Blobs are large: they go to the disk, everything else (secrets) stays in memory. While files arrive, in a folder of this run's own,
 * a lock tells the runs of others that they are not left over (`arriving` in prelude.sh). A run that ends at once, since another one came
 * in between, may be over before systemd has seen it begin, which it takes for a failure: what it printed tells.
 */
function startScript(run: string, seconds: number): string {
  return `set -e; umask 077; R=${runFolder}/runs/${run}; B=${journalFolder}/blobs; U=$B/${run}.up
mkdir -p "$R"; exec 8>"$R/sending"; flock 8
mkdir -p "$U"; ln -s "$U" "$R/b"
if ! tar -xf - -C "$R" --keep-directory-symlink 2>"$R/tar"; then cat "$R/tar" >&2; rm -rf "$R/f" "$U"; df -Pk "$B" | awk 'END { print "${freeMark}", $4 }' >&2; exit 1; fi
for p in "$U"/*; do if [ -f "$p" ]; then mv "$p" "$B/"; fi; done
rmdir "$U"; : >"$R/out"
cat >"$R/over" <<'E'
${overScript(run, seconds)}
E
systemd-run --quiet --collect --unit=olympus-apply-${run} -p Type=exec -p OOMPolicy=continue -p RuntimeMaxSec=${seconds} -p TimeoutStopSec=10 -p ExecStopPost="/bin/sh $R/over" /bin/sh "$R/apply.sh" || [ -s "$R/out" ]
rm "$R/sending"; exec 8>&-
${watchScript(run)}`;
}

/**
 * What systemd runs once nothing of a run is left, however it ended: secrets of one that was killed stay no longer, and that it was ended
 * for its time it cannot tell itself. One that was stopped and did not go is none.
 */
function overScript(run: string, seconds: number): string {
  return `cd ${runFolder}/runs/${run} || exit 1
rm -rf f apply.sh
if [ "$SERVICE_RESULT" = timeout ] && [ $(($(date +%s) - $(stat -c %Y over))) -ge ${seconds} ]; then echo ${markerOf(run)} late ${seconds} >>out; fi`;
}

/** Prints a run's output from its first line until the run ends. Of one that was ended for its time, nothing runs any more by then. */
function watchScript(run: string): string {
  return `R=${runFolder}/runs/${run}
if [ ! -f "$R/out" ]; then printf '${markerOf(run)} gone\\n'; exit 0; fi
p=$(systemctl show --value -p MainPID olympus-apply-${run})
if [ "\${p:-0}" = 0 ]; then cat "$R/out"; else tail -n +1 -f -s 0.1 --pid="$p" "$R/out"; fi
if ! tail -n 1 "$R/out" | grep -q '^${markerOf(run)} end '; then
i=0; while [ "$(systemctl show --value -p Result olympus-apply-${run})" = timeout ] && [ $i -lt 300 ]; do i=$((i + 1)); sleep 0.1; done
sed -n '/^${markerOf(run)} late /p' "$R/out"
fi
printf '${markerOf(run)} over\\n'`;
}

/** Seconds that the host's clock is ahead (or, below 0, behind) at least, whatever time the answer took. Times here in ms. */
export function clockSkew(epoch: number, asked: number, answered: number): number {
  const ahead = epoch - answered / 1000;
  const behind = asked / 1000 - (epoch + 1);
  return ahead > 0 ? Math.ceil(ahead) : behind > 0 ? -Math.ceil(behind) : 0;
}

function hangsError(host: string, seconds: number, last = ""): OlympusError {
  const asked = last.split(" ").slice(1).join(" ") || "the first question";
  return new OlympusError(`${host} did not answer within ${seconds} s; the last answer was about: ${asked}.`, {
    code: "E-ROLE-FACTS",
    exit: exitCodes.failed,
    where: host,
    hint: "Nothing was changed. Does something hang there, such as a network file system or the disk?",
  });
}

function noAnswerError(host: string, stderr: string, code: number): OlympusError {
  return new OlympusError(`${host} did not answer as expected (exit ${code}): ${stderr.trim() || "no word"}`, {
    code: "E-ROLE-FACTS",
    exit: exitCodes.failed,
    where: host,
  });
}
