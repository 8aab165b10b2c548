/**
 * Splits an answer into posts of at most `limit` characters (code points), at paragraphs, else lines, else words, else
 * anywhere but inside a character. A code fence that is cut is closed in one part and opened again, with its language, in the next.
 */
export function splitPost(text: string, limit: number): string[] {
  if (fits(text, limit)) return [text];
  const parts: string[] = [];
  let rest = text;
  let reopen = "";
  while (rest !== "") {
    const prefix = reopen === "" ? "" : `${reopen}\n`;
    if (fits(prefix + rest, limit)) {
      parts.push(prefix + rest);
      break;
    }
    // Room for the closing fence, should this part end inside one.
    const room = limit - Array.from(prefix).length - 8;
    const head = cut(rest, Math.max(1, room));
    rest = rest.slice(head.length).replace(/^\n+/, "");
    const open = openFence(prefix + head);
    const fence = /^[`~]+/.exec(open)?.[0] ?? "";
    parts.push((prefix + head).replace(/\s+$/, "") + (open === "" ? "" : `\n${fence}`));
    reopen = open;
  }
  return parts;
}

function fits(text: string, limit: number): boolean {
  // A code point takes at most two.
  if (text.length > 2 * limit) return false;
  let count = 0;
  for (const _ of text) count++;
  return count <= limit;
}

/** The longest good beginning of at most `room` code points. */
function cut(text: string, room: number): string {
  const head = Array.from(text.slice(0, 2 * room))
    .slice(0, room)
    .join("");
  for (const separator of ["\n\n", "\n", " "]) {
    const at = head.lastIndexOf(separator);
    // A part shorter than half its room is worse than a less natural place.
    if (at > head.length / 2) return head.slice(0, at + separator.length);
  }
  return head;
}

/** The opening line of the fence that is still open at the end, or nothing. */
function openFence(text: string): string {
  let open = "";
  for (const line of text.split("\n")) {
    const match = /^ {0,3}((`{3,}|~{3,})[^`]*)$/.exec(line);
    if (match === null) continue;
    const fence = match[2]!;
    if (open === "") open = match[1]!.trim().slice(0, 40);
    else if (fence.startsWith(/^[`~]+/.exec(open)![0]) && line.trim() === fence) open = "";
  }
  return open;
}
