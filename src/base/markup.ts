/** Markup that is safe to send. Only `html` makes it, and `html` escapes whatever is not markup already: a page cannot forget to. */
export class Markup {
  readonly #text: string;

  /** Only for this file. */
  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

/** What may stand in a template: text is escaped, lists are joined, what is missing shows nothing. */
export type Content = string | number | boolean | undefined | null | Markup | readonly Content[];

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;",
};

/** Characters that turn the writing around, hide text or command a terminal: shown as a box, so that nobody is misled by what is not seen. */
const misleading =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it is for.
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF\u{E0000}-\u{E007F}]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])/gu;

/** Text as it may stand between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(misleading, "\uFFFD").replace(/[&<>"'`]/g, (character) => entities[character]!);
}

function written(content: Content): string {
  if (content instanceof Markup) return content.toString();
  if (Array.isArray(content)) return content.map(written).join("");
  if (content === undefined || content === null || typeof content === "boolean") return "";
  return escapeHtml(String(content));
}

/** A template whose values are escaped. Attributes must be quoted; a value never is the name of a tag or attribute, nor script or style. */
export function html(parts: TemplateStringsArray, ...values: Content[]): Markup {
  return new Markup(parts.reduce((whole, part, index) => whole + written(values[index - 1]) + part));
}
