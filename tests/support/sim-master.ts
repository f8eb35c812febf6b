/**
 * A process of its own that asks many meters on lines of their own and says how far each answer was from when it had to
 * come. It is told `{ line: [{ port, address }], expectedMs }`.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodeFrame } from '../../protocols/dlt645/frame.ts';
import { Framer } from '../../protocols/dlt645/framer.ts';

const ROUNDS = 6;
const ROUND_MS = 1000;
/** 02010100: voltage of phase A. */
const VOLTAGE = Uint8Array.of(0x00, 0x01, 0x01, 0x02);

interface Task {
  line: { port: string; address: string }[];
  expectedMs: number;
}

process.once('message', (task) => void work(task as Task));

async function work({ line, expectedMs }: Task): Promise<void> {
  const answered = new Set<string>();
  const errorsMs: number[] = [];
  const meters = await Promise.all(
    line.map(async ({ port, address }) => {
      const socket = connect(Number(new URL(port).port), '127.0.0.1').setNoDelay(true);
      await once(socket, 'connect');
      const meter = { socket, address, askedMs: 0, request: encodeFrame({ address, control: 0x11, data: VOLTAGE }) };
      listen(socket, () => {
        answered.add(address);
        errorsMs.push(Math.abs(performance.now() - meter.askedMs - expectedMs));
      });
      return meter;
    }),
  );
  // Every meter once a second, each at a moment of its own, as five hundred gateways would ask.
  const spacingMs = ROUND_MS / meters.length;
  const beganMs = performance.now();
  for (let turn = 0; turn < ROUNDS * meters.length; turn++) {
    const waitMs = beganMs + turn * spacingMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const meter = meters[turn % meters.length]!;
    meter.askedMs = performance.now();
    meter.socket.write(meter.request);
  }
  await new Promise((resolve) => setTimeout(resolve, ROUND_MS));
  // The first round also warms up both processes.
  process.send?.({ answered: answered.size, errorsMs: errorsMs.slice(line.length) });
}

function listen(socket: Socket, onAnswer: () => void): void {
  const framer = new Framer();
  socket.on('data', (chunk) => {
    if (framer.push(chunk).length > 0) onAnswer();
  });
}
