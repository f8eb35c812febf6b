/**
 * A Modbus-TCP meter as a port of the bus: the bus writes RTU frames as to any line, `modbus-tcp.ts` carries them with
 * transaction numbers, and what comes back is an RTU frame again. One schedule, one table of failures for all meters.
 */
import type { Exchange } from '../protocols/exchange.ts';
import { openModbusTcp } from './modbus-tcp.ts';
import type { OpenPort } from './port.ts';

/** The bus gives up on an answer by its own, shorter deadlines. */
const ANSWER_MS = 5_000;

export const openModbusTcpPort: OpenPort = async ({ target }, events) => {
  if (target.kind !== 'modbus-tcp') throw new TypeError('not a Modbus-TCP port');
  const connection = await openModbusTcp(target.host, target.port);
  let told = false;
  let asked = new AbortController();
  const lose = (reason: string) => {
    if (told) return;
    told = true;
    events.onLost(reason);
  };
  return {
    write(bytes) {
      if (!connection.open) {
        lose('the connection is closed');
        return Promise.reject(new Error('the connection is closed'));
      }
      // The bus has one question at a time: whoever asks again has given up on the answer before.
      asked.abort();
      asked = new AbortController();
      void connection.run(relay(bytes), asked.signal).then((answer) => {
        if ('value' in answer) events.onBytes(answer.value);
        else if (answer.failure === 'port-lost') lose(answer.detail);
      });
      return Promise.resolve();
    },
    async close() {
      await connection.close();
      lose('closed');
    },
  };
};

/** One frame out, one frame back, unread. */
function relay(bytes: Uint8Array): Exchange<Uint8Array> {
  return {
    start: () => ({ do: 'send', bytes, answerMs: ANSWER_MS, gapMs: 0 }),
    received: (value) => ({ do: 'done', value, wireBytes: bytes.length + value.length }),
    timedOut: () => ({ do: 'failed', failure: 'no-answer', detail: 'no answer' }),
  };
}
