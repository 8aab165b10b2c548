import type { PostMarker } from "../chat-port.ts";
import { progressPart } from "../progress-part.ts";

/** Where the marker stands in a post's props. */
export const markerProp = "olympus";

/** Props can be written by anybody: only what has the right shape is a marker. */
export function markerOf(props: Readonly<Record<string, unknown>> | undefined): PostMarker | undefined {
  const { run, part, source, hops, chain } = (props?.[markerProp] ?? {}) as Partial<PostMarker>;
  if (typeof run !== "string" || typeof part !== "number" || typeof source !== "string" || typeof hops !== "number")
    return undefined;
  if (!Number.isInteger(hops) || hops < 0) return undefined;
  return { run, part, source, hops, ...(typeof chain === "string" && { chain }) };
}

/** Whether a post only tells how far a run is: no answer. */
export function isProgress(props: Readonly<Record<string, unknown>> | undefined): boolean {
  return markerOf(props)?.part === progressPart;
}
