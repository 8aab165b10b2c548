/** `10.220.1.0/24` as number and prefix length; the base is masked. */
export function parseCidr(cidr: string): { base: number; prefix: number } {
  const [address = "", length = "32"] = cidr.split("/");
  const prefix = Number(length);
  const mask = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
  const value = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  return { base: (value & mask) >>> 0, prefix };
}
