/**
 * Simulated meters in a process of their own, so that their work is not counted as the firmware's. Forked with a
 * `MetersPlan` as its first argument; sends the ports once they are open, and the lines' counts when asked.
 */
import { systemSimClock } from '../../../sim/clock.ts';
import { Line, type LineCounts } from '../../../sim/line.ts';
import { openPty } from '../../../sim/pty.ts';
import { createRandom } from '../../../sim/random.ts';
import { openTcp } from '../../../sim/tcp.ts';
import { attachMeter } from '../../support/dlt645-street.ts';
import { modbusStation } from '../../support/virtual-street.ts';

export interface MetersPlan {
  kind: 'pty' | 'tcp';
  ports: number;
  metersPerPort: number;
  protocol: 'dlt645' | 'modbus';
  baud: number;
  parity: 'none' | 'even';
  delayMs: [number, number];
}

export type MetersMessage = { ready: string[] } | { counts: LineCounts[] };

const plan = JSON.parse(process.argv[2] ?? '{}') as MetersPlan;
const random = createRandom('meters');
const lines: Line[] = [];
const urls: string[] = [];
for (let port = 0; port < plan.ports; port++) {
  const { baud, parity } = plan;
  const settings = { baud, parity, stopBits: 1 } as const;
  const line = new Line(settings, systemSimClock, createRandom(port), (bytes) => sim.write(bytes));
  const hear = (bytes: Uint8Array) => line.fromMaster(bytes);
  const sim = plan.kind === 'pty' ? await openPty(hear) : await openTcp(hear);
  for (let meter = 1; meter <= plan.metersPerPort; meter++) {
    const delayMs = random.between(...plan.delayMs);
    if (plan.protocol === 'modbus') line.attach(modbusStation(meter, () => delayMs));
    else attachMeter(line, port * plan.metersPerPort + meter, delayMs, () => {});
  }
  lines.push(line);
  urls.push(sim.url);
}
const send = (message: MetersMessage) => process.send?.(message);
send({ ready: urls });
process.on('message', () => send({ counts: lines.map(({ counts }) => counts) }));
process.on('disconnect', () => process.exit(0));
