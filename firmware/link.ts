/** The seam to the broker: one connection that publishes at QoS 1 and hears what the platform sends. */

export interface LinkEvents {
  onUp(): void;
  onDown(reason: string): void;
  onMessage(topic: string, payload: Uint8Array): void;
}

export interface Link {
  readonly up: boolean;
  /** Resolves on the broker's PUBACK; rejects with a `LinkError` on refusal, loss of the link or after `deadlineMs`. */
  publish(topic: string, payload: Uint8Array, options: { retain?: boolean; deadlineMs: number }): Promise<void>;
  close(): Promise<void>;
}

/**
 * Why a publish failed, and so what to do with the message: `down` and `deadline` try again, `refused` and `too-big`
 * are the message's own fault, `unheard` means the broker took it and nobody is subscribed.
 */
export class LinkError extends Error {
  override readonly cause: 'down' | 'deadline' | 'refused' | 'too-big' | 'unheard';
  constructor(cause: LinkError['cause'], message: string) {
    super(message);
    this.cause = cause;
  }
}

export interface LinkOptions {
  /** Retained last will. */
  will: { topic: string; payload: Uint8Array };
  subscribe: readonly string[];
}

export type OpenLink = (options: LinkOptions, events: LinkEvents) => Link;
