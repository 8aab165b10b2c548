/** Characters that GitHub takes in a body. */
const mostBody = 65_536;
const note = "\n\n_This was cut here: it was too long for GitHub._";
/** What agents write for one another stands at the end. */
const marks = /(\s*<!-- olympus:[^>]* -->)+\s*$/;

/** A body that GitHub takes: cut with a word about it where it is too long, before the marks at its end. */
export function fitting(body: string): string {
  if (body.length <= mostBody) return body;
  const [end = ""] = marks.exec(body.slice(-mostBody / 2)) ?? [];
  return `${body.slice(0, mostBody - note.length - end.length)}${note}${end}`;
}
