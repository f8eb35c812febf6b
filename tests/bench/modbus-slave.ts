/**
 * Modbus RTU meters on a pseudo-terminal, in a process of their own, so that their work is not counted with the
 * master's. Tells the path of the terminal: `modbus-slave.ts DELAY_MS`.
 */
import { requestLength } from '../../protocols/modbus/frame.ts';
import { modbusMeter } from '../../sim/modbus-meter.ts';
import { openPty } from '../../sim/pty.ts';

const delayMs = Number(process.argv[2] ?? 0);
const meters = Array.from({ length: 247 }, (_, i) =>
  modbusMeter({ unit: i + 1, profile: 'sdm630', value: (row) => (row.address / 2 + i) % 200 }),
);

let held = Buffer.alloc(0);
const line = await openPty((bytes) => {
  held = Buffer.concat([held, bytes]);
  const length = requestLength(held);
  if (!length || held.length < length) return;
  const request = held.subarray(0, length);
  held = held.subarray(length);
  const answer = meters[request[0]! - 1]?.answer(request);
  if (answer) setTimeout(() => line.write(answer), delayMs);
});
process.send?.({ path: line.url });
process.on('disconnect', () => process.exit(0));
