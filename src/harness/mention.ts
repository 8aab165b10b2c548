/**
 * Whether a text mentions a user by name as a person would mean it: Mattermost's own rules for words, and Markdown that
 * quotes, code and link targets are not meant. The server's field tells whom it notified (also by @channel, also from a
 * quotation); this tells whether the author spoke to us.
 */
export function mentions(text: string, name: string): boolean {
  const wanted = `@${name.toLowerCase()}`;
  return words(spoken(text)).some((word) => isMention(word.toLowerCase(), wanted));
}

/** Splits where Mattermost does: at whatever cannot stand in a mention or an emoji. */
function words(text: string): string[] {
  return text.split(/[^\p{L}\p{N}:.\-_@]+/u).filter((word) => word !== "");
}

function isMention(word: string, wanted: string): boolean {
  if (word.startsWith(":") && word.endsWith(":")) return false;
  const trimmed = word.replace(/^[:.\-_]+/, "");
  if (trimmed === wanted) return true;
  if (stripsTo(trimmed, wanted)) return true;
  if (trimmed.startsWith("@")) return false;
  return trimmed.split(/[.\-:]/).includes(wanted);
}

/** `@athena.` and `@athena:-` are mentions at the end of a sentence; `@athena-dev` is somebody else. */
function stripsTo(word: string, wanted: string): boolean {
  return word.startsWith(wanted) && /^[.\-:_]*$/.test(word.slice(wanted.length));
}

/** The text without what its author only shows: code, quotations, link targets, addresses. Replaced by blanks, so that words stay apart. */
function spoken(text: string): string {
  const lines: string[] = [];
  let fence: string | undefined;
  let afterBlank = true;
  for (const line of text.split(/\r?\n/)) {
    const marker = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== undefined) {
      if (marker?.startsWith(fence) && line.trim() === marker) fence = undefined;
      continue;
    }
    if (marker !== undefined) {
      fence = marker;
      continue;
    }
    const blank = line.trim() === "";
    const indentedCode: boolean = afterBlank && /^( {4}|\t)/.test(line) && !blank;
    const quoted = /^ {0,3}>/.test(line);
    lines.push(indentedCode || quoted ? "" : line);
    // An indented block goes on until a line that is neither blank nor indented.
    afterBlank = blank || indentedCode;
  }
  return lines
    .join("\n")
    .replace(/(?<!`)(`+)(?!`)([\s\S]*?[^`])\1(?!`)/g, " ")
    .replace(/\]\([^)\n]*\)/g, "] ")
    .replace(/\bhttps?:\/\/\S+/gi, " ");
}
