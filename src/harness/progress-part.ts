/** The part of a run that its progress is, in post markers: no answer. */
export const progressPart = -1;
