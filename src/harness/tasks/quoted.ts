import { shownText } from "../review/prompt.ts";

/** A text of the forge as a model gets it, with its author: what the page shows, and no line of it can pass for another's. */
export function quotedFrom(author: string, text: string): string {
  return `${author} wrote:\n${shownText(text)
    .trim()
    .split("\n")
    .map((line) => `> ${line}`)
    .join("\n")}`;
}
