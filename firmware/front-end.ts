/**
 * A metering front end on a UART of its own. The stream is cut into blocks by length (`@serialport/parser-byte-length`);
 * where a lost byte put the cut out of step, the pure cutter behind it finds the blocks again.
 */
import { ByteLengthParser } from '@serialport/parser-byte-length';
import type { Failure } from '../protocols/failure.ts';
import type { Waveform } from '../protocols/reading.ts';
import { BLOCK_BYTES, captureFrontEnd } from '../protocols/waveform/front-end.ts';
import type { Clock } from './clock.ts';
import type { LineSettings, OpenPort } from './port.ts';

/** A capture that is under way; the stream is cut for it only. */
const CAPTURES_MAX = 8;

export type FrontEndAnswer = { waveform: Waveform } | { failure: Failure; detail: string };

export interface FrontEnd {
  /** Bytes as the port gives them. */
  onBytes(bytes: Uint8Array): void;
  /** The next `blocks` blocks of `phase`. Never rejects; ends within `deadlineMs`. */
  capture(phase: number, blocks: number, deadlineMs: number): Promise<FrontEndAnswer>;
  /** Ends every capture. */
  close(reason?: Extract<FrontEndAnswer, { failure: Failure }>): void;
}

/** A front end on a port of its own, which it closes with itself. Rejects where the port does not open. */
export async function openFrontEnd(settings: LineSettings, openPort: OpenPort, clock: Clock): Promise<FrontEnd> {
  const end = frontEnd(clock);
  const port = await openPort(settings, {
    onBytes: end.onBytes,
    onLost: (reason) => end.close({ failure: 'port-lost', detail: reason }),
  });
  return {
    ...end,
    close(reason) {
      end.close(reason);
      void port.close();
    },
  };
}

interface Pending {
  take(block: Uint8Array): void;
  end(answer: FrontEndAnswer): void;
}

export function frontEnd(clock: Clock): FrontEnd {
  const parser = new ByteLengthParser({ length: BLOCK_BYTES });
  const pending = new Set<Pending>();
  let closed: Extract<FrontEndAnswer, { failure: Failure }> | undefined;
  parser.on('data', (block: Uint8Array) => {
    for (const one of [...pending]) one.take(block);
  });
  return {
    onBytes(bytes) {
      // Nobody wants samples while nobody captures: they are not even cut.
      if (pending.size > 0) parser.write(bytes);
    },
    capture: (phase, blocks, deadlineMs) => {
      if (closed) return Promise.resolve(closed);
      if (pending.size >= CAPTURES_MAX)
        return Promise.resolve({ failure: 'busy', detail: 'too many captures at once' });
      return new Promise((resolve) => pending.add(begin(clock, pending, phase, blocks, deadlineMs, resolve)));
    },
    close(reason = { failure: 'cancelled', detail: 'the front end was closed' }) {
      closed ??= reason;
      for (const one of [...pending]) one.end(closed);
      parser.destroy();
    },
  };
}

function begin(
  clock: Clock,
  pending: Set<Pending>,
  phase: number,
  blocks: number,
  deadlineMs: number,
  resolve: (answer: FrontEndAnswer) => void,
): Pending {
  const exchange = captureFrontEnd(phase, blocks, deadlineMs);
  exchange.start();
  const cancel = clock.after(deadlineMs, () => {
    const move = exchange.timedOut();
    if (move.do === 'failed') self.end({ failure: move.failure, detail: move.detail });
  });
  const self: Pending = {
    take(block) {
      const move = exchange.received(block);
      if (move.do === 'done') self.end({ waveform: move.value });
      else if (move.do === 'failed') self.end({ failure: move.failure, detail: move.detail });
    },
    end(answer) {
      cancel();
      pending.delete(self);
      resolve(answer);
    },
  };
  return self;
}
