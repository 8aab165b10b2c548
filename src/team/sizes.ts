/** MiB as people say it, without the unit: 16384 is `16`, 1536 is `1.5`, 512 is `0.5`. */
export function gigabytes(mib: number): string {
  return String(Math.round((mib / 1024) * 10) / 10);
}

/** MiB with its unit: `16 GB`, `512 MB`. */
export function sizeText(mib: number): string {
  return Math.abs(mib) >= 1024 || mib === 0 ? `${gigabytes(mib)} GB` : `${mib} MB`;
}
