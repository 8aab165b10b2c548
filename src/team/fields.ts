import { Cron } from "croner";
import { z } from "zod";
import { isHostKey } from "./host-key.ts";

// The text given to each check is the fix that a person reads, so it is a whole sentence.

/** Names become host names, bot names and resource names: lower case, digits, hyphens. */
export const nameField = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, "Use 1 to 31 lower-case letters, digits or hyphens, beginning with a letter.");

export const ipv4Field = z.ipv4("Write an IPv4 address such as 10.220.1.50.");
export const cidrField = z.cidrv4("Write a network such as 10.220.1.0/24.");
export const emailField = z.email("Write an address such as athena@olympus.example.");
export const countField = z.int("Write a whole number.").positive("Write a whole number above zero.");
export const dollarsField = z.number().positive("Write an amount above zero, in US dollars.");

export const tokensField = z.int("Write a whole number.").positive("Write a number of tokens above zero.");

const portHint = "Write a port from 1 to 65535.";
export const portField = z.int(portHint).min(1, portHint).max(65535, portHint);

const sizeHint = "Write a size such as 16 GB or 512 MB.";
/** `"8 GB"` or `"512 MB"`, binary units as libvirt and Ansible users mean them; a number is MiB. Gives MiB. */
export const sizeField = z
  .union([z.int(sizeHint).positive(sizeHint), z.string().regex(/^\d+(\.\d+)?\s*(MB|MiB|GB|GiB|TB|TiB)$/, sizeHint)], {
    error: sizeHint,
  })
  .transform((size) => {
    if (typeof size === "number") return size;
    const [, amount, , unit] = /^(\d+(\.\d+)?)\s*([MGT])i?B$/.exec(size)!;
    return Math.round(Number(amount) * { M: 1, G: 1024, T: 1024 * 1024 }[unit as "M" | "G" | "T"]);
  });

const keyHint = "Let `npx olympus pin` write it, or paste the public host key: type and base64.";
export const hostKeyField = z
  .string()
  .regex(/^(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/=]+$/, keyHint)
  .refine(isHostKey, "This is no whole public key. Let `npx olympus pin` write it.");

/** Roles by name with parameters; a role without parameters may stand alone: `docker:`. */
export const rolesField = z
  .record(
    nameField,
    z
      .record(z.string(), z.unknown())
      .nullable()
      .transform((params) => params ?? {}),
  )
  .default({});

export const timezoneField = z.string().refine((zone) => {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}, "Write a time zone such as Etc/UTC or Europe/Berlin.");

const cronHint = 'Write minute, hour, day, month and weekday, such as "0 9 * * 1-5" for 9:00 from Monday to Friday.';
export const cronField = z.string(cronHint).refine((pattern) => {
  try {
    return new Cron(pattern, { paused: true, mode: "5-part" }).nextRun() !== null;
  } catch {
    return false;
  }
}, cronHint);

export const clockField = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'Write a time in quotes, such as "20:00".');
