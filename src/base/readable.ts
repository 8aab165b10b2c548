/**
 * Control characters but for line ends and tabs, and all that is not seen: a model must see them, and whoever reads over its shoulder.
 * What joins two pictures into one (a family, a profession) is seen.
 */
const hidden =
  /(?![\n\t])(?!(?<=\p{Extended_Pictographic}[\uFE0F\p{Emoji_Modifier}]?)\u200D(?=\p{Extended_Pictographic}))[\p{Cc}\p{Cf}]|\u034F/gu;
const colours = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[ -/]*[@-~]`, "g");

/**
 * Text of somebody else (a command's output, a host's answer, a post) in which nothing hides, and which does nothing to a terminal: colours
 * are dropped, control and invisible characters shown as escapes, lines end in \n.
 */
export function readable(text: string): string {
  return text
    .replace(colours, "")
    .replace(/\r\n/g, "\n")
    .replace(hidden, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}
