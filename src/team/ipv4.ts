/** A network in numbers; `first` is its own address, `last` its broadcast address. */
export interface Network {
  readonly first: number;
  readonly last: number;
}

/** `10.220.1.50` as a number; undefined when it is no address. */
export function addressNumber(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

/** A number as `10.220.1.50`. */
export function addressText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}

/** `10.220.1.0/24`; undefined when it is no network. Bits beyond the prefix are ignored. */
export function networkOf(cidr: string): Network | undefined {
  const [address = "", bits = ""] = cidr.split("/");
  const number = addressNumber(address);
  const prefix = /^\d{1,2}$/.test(bits) ? Number(bits) : undefined;
  if (number === undefined || prefix === undefined || prefix > 32) return undefined;
  const size = 2 ** (32 - prefix);
  const first = Math.floor(number / size) * size;
  return { first, last: first + size - 1 };
}

/** Whether an address can be given to a machine of the network: inside, and neither its first nor its last. */
export function usableIn({ first, last }: Network, number: number): boolean {
  return number > first && number < last;
}
