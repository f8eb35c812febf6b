/** The seam to the wire: bytes in, bytes out, every wait with a deadline. `open-port.ts` knows who implements it. */

export interface Port {
  /**
   * Undefined where the kernel took the bytes at once; else resolves when they have left for the wire and rejects after
   * `deadlineMs`. A port whose write throws or rejects is dropped.
   */
  write(bytes: Uint8Array, deadlineMs: number): Promise<void> | undefined;
  /** Never rejects and never hangs. */
  close(): Promise<void>;
}

export interface PortEvents {
  onBytes(bytes: Uint8Array): void;
  /** The port is gone, told once, also after `close`. */
  onLost(reason: string): void;
}

/** How a line is set, as in `/dev/ttyS1?baud=2400&parity=even&stop=1`, `tcp://host:port` or
 * `modbus-tcp://host:port`. */
export interface LineSettings {
  target:
    | { kind: 'tty'; path: string }
    /** `tcp`: raw bytes through a converter; `modbus-tcp`: a meter that speaks Modbus TCP itself. */
    | { kind: 'tcp'; host: string; port: number }
    | { kind: 'modbus-tcp'; host: string; port: number };
  baud: number;
  parity: 'none' | 'even' | 'odd';
  stopBits: 1 | 2;
}

export type OpenPort = (settings: LineSettings, events: PortEvents) => Promise<Port>;

/** Milliseconds that `bytes` take on a line set so: start bit, eight data bits, parity, stop bits. */
export function wireMs(settings: Pick<LineSettings, 'baud' | 'parity' | 'stopBits'>, bytes: number): number {
  const bitsPerByte = 1 + 8 + (settings.parity === 'none' ? 0 : 1) + settings.stopBits;
  return (bytes * bitsPerByte * 1000) / settings.baud;
}
