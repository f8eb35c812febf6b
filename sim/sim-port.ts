/** The simulator's end of a port: `pty.ts`, `tcp.ts` and `adapter.ts` open one; a line writes to it. */

export interface SimPort {
  /** What a site file names: `/dev/pts/7` or `tcp://127.0.0.1:40123`. */
  readonly url: string;
  /** Bytes for the master. With nobody at the other end they are lost, as on a wire. */
  write(bytes: Uint8Array): void;
  /** What the master set its side to, where this can be known. */
  masterBaud(): number | undefined;
  /** The adapter is pulled, and plugged in again under the same url. */
  unplug(): Promise<void>;
  plug(): Promise<void>;
  close(): Promise<void>;
}

export type OpenSimPort = (onBytes: (bytes: Uint8Array) => void) => Promise<SimPort>;
