/** Whether `type base64` is one whole SSH public key: the type inside the base64 is the type outside. */
export function isHostKey(line: string): boolean {
  const [type = "", data = ""] = line.split(" ");
  const blob = Buffer.from(data, "base64");
  if (blob.length < 8 || blob.toString("base64").replace(/=+$/, "") !== data.replace(/=+$/, "")) return false;
  const length = blob.readUInt32BE(0);
  return blob.subarray(4, 4 + length).toString("latin1") === type && blob.length > 4 + length + 4;
}

/** `type base64` of a public key in wire format. */
export function hostKeyLine(blob: Buffer): string {
  return `${blob.subarray(4, 4 + blob.readUInt32BE(0)).toString("latin1")} ${blob.toString("base64")}`;
}
