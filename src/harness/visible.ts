/** Zero-width, bidirectional and tag characters: they hide text from people that a model would read. */
const invisible = /\u034F|[\u00AD\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF\u{E0000}-\u{E007F}]/gu;

/** What a person sees of a text: the only thing a model gets to read. A joiner inside an emoji goes too, which no answer depends on. */
export function visible(text: string): string {
  return text.replace(invisible, "").replace(/<!--[\s\S]*?(-->|$)/g, "");
}

/** Keeps an answer from notifying whole channels: `@all`, `@channel` and `@here` are shown and call nobody. */
export function withoutBroadcast(text: string): string {
  return text.replace(/@(all|channel|here)\b/gi, "@\u200B$1");
}
