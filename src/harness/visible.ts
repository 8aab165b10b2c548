/**
 * Zero-width, bidirectional and tag characters, selectors of variants, which can spell any bytes after an emoji, and letters that are
 * blank: they hide text from people that a model would read.
 */
const invisible =
  /\u034F|[\u00AD\u061C\u115F\u1160\u180E\u200B-\u200F\u202A-\u202E\u2060-\u2069\u3164\uFEFF\uFFA0\uFFF9-\uFFFB\u{E0000}-\u{E007F}]|[\uFE00-\uFE0F]|[\u{E0100}-\u{E01EF}]/gu;

/** Ends of lines by other names: what looks for the beginning of a line looks after \n. */
const lineEnds = /\r\n?|[\v\f\u0085\u2028\u2029]/g;

/** What a person sees of a text: the only thing a model gets to read. A joiner inside an emoji goes too, which no answer depends on. */
export function visible(text: string): string {
  let shown = text.replace(invisible, "").replace(lineEnds, "\n");
  // What is taken out may have kept another comment's ends apart.
  for (let before = ""; before !== shown; ) {
    before = shown;
    shown = before.replace(/<!--[\s\S]*?(-->|$)/g, "");
  }
  return shown;
}

/** Keeps an answer from notifying whole channels: `@all`, `@channel` and `@here` are shown and call nobody. */
export function withoutBroadcast(text: string): string {
  return text.replace(/@(all|channel|here)\b/gi, "@\u200B$1");
}
