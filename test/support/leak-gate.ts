import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { Secret } from "../../src/base/secret.ts";
import { formsOf } from "../../src/base/secret-forms.ts";
import type { LabMachine } from "../../src/lab/index.ts";
import { isAlive } from "../../src/lab/processes.ts";
import { canariesOf, linesOf, secretsIn } from "./leaks.ts";

/**
 * Where a secret may stand on a host: what services are handed, the files that a change replaced (to be put back by a rollback), the output
 * of a command that printed one (in memory, until the next runs).
 */
export const places =
  /^\/(etc\/olympus\/secrets\/|run\/credentials\/|var\/lib\/olympus\/journal\/saved\/|run\/olympus\/runs\/[0-9a-f]+\/out$)/;

/** What nobody prints by chance: each found where it was looked for says that the search worked. */
const control = "olympus-leak-gate-control";

/**
 * Looks in folders, and on a host (the first argument is there) in what its journal and systemd tell, for the words on stdin. Prints files.
 * Those before `--` have to be there; what could not be looked at was not found to be clean.
 */
const search = `umask 077; folder=$(mktemp -d -p /dev/shm) && trap 'rm -rf "$folder"' EXIT && cat >"$folder/words" || exit
if [ -n "$1" ]; then
  journalctl --no-pager -o export >"$folder/journal" && [ -s "$folder/journal" ] || { echo "the journal cannot be read" >&2; exit 3; }
  systemctl show '*' >"$folder/units" && [ -s "$folder/units" ] || { echo "systemd's units cannot be read" >&2; exit 3; }
fi
shift
for must do
  [ "$must" != -- ] || break
  [ -e "$must" ] || { echo "$must is not there" >&2; exit 3; }
done
echo ${control} >"$folder/control"
# It complains of what of the others is not there, or was there a moment ago.
LC_ALL=C grep -rlsFf "$folder/words" "$folder/control" "$folder" --exclude=words "$@" | sort -u | while read -r file; do
  printf '%s\\n' "$file"; LC_ALL=C grep -aoshFf "$folder/words" "$file" | sort -u | sed 's/^/ /'
done`;

/** Every secret that has been, by value: those of a store change, and operations are given some that no store has. */
export class Canaries {
  readonly #known = new Map<string, Secret>();

  add(secrets: readonly Secret[]): void {
    for (const secret of canariesOf(secrets)) this.#known.set(secret.reveal(), secret);
  }

  /** All secrets anywhere within a value: a role's operations. */
  addWithin(value: unknown): void {
    if (value instanceof Secret) this.add([value]);
    else if (typeof value === "object" && value !== null) for (const one of Object.values(value)) this.addWithin(one);
  }

  all(): Secret[] {
    return [...this.#known.values()];
  }
}

/**
 * Looks for secrets, in every form that a program may show one in, in the logs, journals and state of lab machines that run, in what one
 * that does not run has written of them, and in folders of this computer. Gives who has which, but for the places that are meant to.
 */
export async function findSecrets(
  canaries: Canaries,
  machines: readonly LabMachine[],
  folders: readonly string[],
): Promise<string[]> {
  const all = canaries.all();
  const words = [...new Set(linesOf(all).flatMap((line) => formsOf(line)))].filter((word) => word.length > 11);
  // Whoever was ever up has logs; the others come with the first role.
  const kept = ["/var/log", "--", "/var/lib/olympus", "/run/olympus"];
  const found = machines.map(async ({ name, dir, init }) => {
    if (isAlive(init)) {
      const inside = ["nsenter", "-t", String(init.pid), "-a", "sh", "-c", search, "sh", "host", ...kept];
      return report(name, await run(inside, words), all, (file) => places.test(file));
    }
    const upper = join(dir, "upper");
    const written = kept.map((folder) => (folder === "--" ? folder : join(upper, folder)));
    const files = await run(["sh", "-c", search, "sh", "", ...written], words);
    return report(name, files, all, (file) => file.startsWith(upper) && places.test(file.slice(upper.length)));
  });
  const here = ["sh", "-c", search, "sh", "", ...folders, ...machines.map(({ dir }) => join(dir, "init.log"))];
  return [...(await Promise.all(found)).flat(), ...report("this computer", await run(here, words), all)];
}

/** Lines `who: file: names`, but for files that are meant to: never what was found. */
function report(
  who: string,
  printed: string,
  secrets: readonly Secret[],
  meant: (file: string) => boolean = () => false,
): string[] {
  const files = printed.split("\n").reduce<{ file: string; text: string }[]>((before, line) => {
    if (line.startsWith(" ")) before.at(-1)!.text += `${line.slice(1)}\n`;
    else if (line !== "") before.push({ file: line, text: "" });
    return before;
  }, []);
  const told = files.filter(({ file }) => !/^\/dev\/shm\/[^/]+\/control$/.test(file));
  if (told.length === files.length) throw new Error(`${who}: the search for secrets did not find what was put there`);
  return told
    .filter(({ file }) => !meant(file))
    .map(({ file, text }) => `${who}: ${file}: ${secretsIn(text, secrets).join(", ")}`);
}

async function run([program, ...args]: string[], words: readonly string[]): Promise<string> {
  const child = spawn(program!, args, { stdio: ["pipe", "pipe", "inherit"] });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  // What ends before it has read everything says why by its exit code.
  child.stdin.once("error", () => undefined);
  child.stdin.end([control, ...words].map((word) => `${word}\n`).join(""));
  const [code] = (await once(child, "close")) as [number];
  if (code !== 0) throw new Error(`the search for secrets ended with ${code}`);
  return Buffer.concat(chunks).toString("latin1");
}
