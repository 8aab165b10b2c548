import { maskSecrets, type Secret } from "../base/secret.ts";

/** What looks like a secret, whoever's it is: those of the team are known, those that somebody pasted into a post or a log are not. */
const looks: readonly [string, RegExp][] = [
  ["private key", /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g],
  ["age identity", /AGE-SECRET-KEY-1[0-9A-Z]+/g],
  ["token", /\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-|AKIA|AIza)[\w-]{10,}/g],
  // Longer than any word with an underscore: npm_config_cache and hf_hub_download are none.
  ["token", /\b(?:npm|hf)_[A-Za-z0-9]{30,}/g],
  // Words are written small but for their first letter: "Authorization: token expired" says no token.
  [
    "token",
    /(?<=\b(?:[Aa]uthorization|AUTHORIZATION)\\?["']?\s{0,9}[:=]\s{0,9}\\?["']?(?:[Bb]asic|BASIC|[Tt]oken|TOKEN|[Aa]pi[Kk]ey)\s{1,9})(?!\[)(?=\d|[^\s"',;\\]+[\dA-Z+/=_])[^\s"',;\\]{4,}/g,
  ],
  ["token", /(?<=\bbearer\s+)[\w.~+/=-]{8,}/gi],
  ["token", /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g],
  ["password", /(?<=:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/g],
  // `curl -u name:password`, in quotes or without, also on a line that goes on below.
  [
    "password",
    /(?<=\bcurl\b(?:[^\n]|\\\n){0,300}?\s(?:-[A-Za-z]{0,9}u|--user|--proxy-user)[\s=\\]{0,20}["']?[^\s:"']{0,100}:)(?:(?<=["'][^\s:"']{0,100}:)[^"'\n]+|[^\s"']+)/g,
  ],
];

const announcing = "(?:password|passwd|passphrase|secret|token|(?:api|access|private|secret)[_-]?key)";
/** What stands behind a word that announces a secret; our own marks begin so too. */
const announced = new RegExp(`(?<!\\[)(${announcing}["']?\\s*[=:]\\s*["']?)(?!\\[)[^\\s"',;&]{6,}`, "gi");
/** A key of an object is such a word too. */
const announcingKey = new RegExp(`(?:${announcing}|authorization)$`, "i");

function clean(text: string, secrets: readonly Secret[]): string {
  const masked = looks.reduce(
    (left, [name, look]) => left.replace(look, `[looks like a ${name}]`),
    maskSecrets(text, secrets),
  );
  return masked.replace(announced, "$1[looks like a secret]");
}

/** JSON within a text is looked at as what it says: written twice, a secret has forms that nobody knows. */
function parsed(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Only looks like it.
    return undefined;
  }
}

/** A value without secrets: those known by name, and whatever looks like one. Keys of objects are texts too. */
export function redacted(value: unknown, secrets: readonly Secret[]): unknown {
  if (typeof value === "string") {
    const json = parsed(value);
    return json === undefined ? clean(value, secrets) : JSON.stringify(redacted(json, secrets));
  }
  if (Array.isArray(value)) return value.map((one) => redacted(one, secrets));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => {
      const left = redacted(one, secrets);
      const secret = typeof left === "string" && /^[^[].{5}/s.test(left) && announcingKey.test(key);
      return [String(redacted(key, secrets)), secret ? "[looks like a secret]" : left];
    }),
  );
}
