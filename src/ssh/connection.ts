import type { Readable } from "node:stream";
import type { Secret } from "../base/secret.ts";

/** A host and everything needed to trust it. There is no way to connect without a pinned host key. */
export interface SshTarget {
  /** Host name in the team file, for messages. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Pinned public host key, `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  /** Where the pin stands, for the message on a mismatch: `team.yaml:31` or a secret's name. */
  readonly pinnedIn: string;
  /** OpenSSH private key. */
  readonly privateKey: Secret;
  /** The host that it is reached through, verified and logged in to in the same way. */
  readonly via?: SshTarget;
  /** Until the host takes the connection, 10,000 ms unless given; the login may take three times as long. */
  readonly connectTimeoutMs?: number;
  /** Between two questions whether it is still there, 3500 ms unless given; the fourth without an answer ends the connection. */
  readonly keepaliveMs?: number;
}

export interface ExecOptions {
  /** Sent to the command's stdin, which is then closed. Secrets travel here, never in the command. */
  readonly stdin?: string | Uint8Array | Readable;
  readonly onStdout?: (chunk: Buffer) => void;
  readonly onStderr?: (chunk: Buffer) => void;
  /** The command's channel is closed after this many ms, and the call rejects with E-SSH-TIMEOUT. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Of both outputs together the first 32 MB are kept; more of what nobody reads as it comes rejects with E-SSH-OUTPUT. */
export interface ExecResult {
  /** Exit code; 128 + n when ended by signal n. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * One authenticated connection. At most 8 commands run at once, others queue.
 * `exec` resolves for every exit code, and rejects with E-SSH-LOST when the connection is cut.
 */
export interface SshConnection {
  readonly target: SshTarget;
  exec(command: string, options?: ExecOptions): Promise<ExecResult>;
  close(): void;
}
