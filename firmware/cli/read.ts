/** `gridwarden read`: items of one meter, now, over a port that nobody else has open. */

import { BROADCAST_ADDRESS } from '../../protocols/dlt645/frame.ts';
import { PROFILES, profileNamed } from '../../protocols/modbus/profiles.ts';
import { startBus } from '../bus/bus.ts';
import { systemClock } from '../clock.ts';
import { openPort } from '../open-port.ts';
import type { LineSettings } from '../port.ts';
import { parsePortAddress } from '../port-address.ts';
import { type PlannedRead, planRead, type ReadTarget, readItem } from '../read-item.ts';
import { BadInput, Failed, print, say, untilStopped } from './io.ts';

export interface ReadOptions {
  port: string;
  meter: string;
  protocol?: string;
  standard?: string;
  profile?: string;
}

export async function read(items: string[], options: ReadOptions): Promise<void> {
  const settings = parsePortAddress(options.port);
  if ('problem' in settings) throw new BadInput(`--port ${settings.problem}`);
  const target = parseTarget(options, settings);
  const planned = items.map((item) => ({ item, plan: planRead(target, item) }));
  for (const { item, plan } of planned)
    if ('problem' in plan) throw new BadInput(problemOf(plan.problem, item, options));

  const stop = new AbortController();
  const ended = untilStopped();
  ended.addEventListener('abort', () => stop.abort(), { once: true });
  let lost: string | undefined;
  const bus = startBus({
    settings,
    openPort,
    clock: systemClock,
    meters: [{ id: options.meter, protocol: target.protocol, blocks: [] }],
    onReading: () => {},
    onMeterState: () => {},
    onPortState: (state) => {
      lost = state.state === 'lost' || state.state === 'stuck' ? state.reason : undefined;
    },
    log: { info: () => {}, warn: () => {} },
    signal: stop.signal,
  });
  let failed = 0;
  for (const { item, plan } of planned) {
    let result = await readItem(bus, options.meter, item, plan, systemClock);
    const older = 'error' in result ? planOlder(target, item) : undefined;
    if (older !== undefined) {
      const answer = await readItem(bus, options.meter, item, older, systemClock);
      if (!('error' in answer)) result = answer;
    }
    print(result);
    if ('error' in result) failed++;
  }
  stop.abort();
  await bus.stopped;
  if (lost !== undefined) say(`${options.port}: ${lost}`);
  if (failed > 0) throw new Failed(`${failed} of ${items.length} items could not be read`);
}

/** A short address was taken for a Modbus unit; where the item is one of DL/T 645, that was the mistake. */
function problemOf(problem: string, item: string, { meter, protocol, profile }: ReadOptions): string {
  const guessed = protocol === undefined && profile === undefined && meter.length <= 3;
  const other = planRead({ protocol: 'dlt645', address: meter.padStart(12, '0') }, item);
  if (!guessed || 'problem' in other) return problem;
  return `--meter ${meter}: a Modbus unit, but ${item} is an item of DL/T 645: expected the meter's 12 digits`;
}

/** A name may be meant for either standard: where 2007 got no data, the meter may be one of 1997. */
function planOlder(target: ReadTarget, item: string): PlannedRead | undefined {
  if (target.protocol !== 'dlt645' || target.standard !== undefined || /^[0-9a-f]{8}$/i.test(item)) return undefined;
  const plan = planRead({ ...target, standard: '1997' }, item);
  return 'problem' in plan ? undefined : plan;
}

function parseTarget({ meter, protocol, standard, profile }: ReadOptions, { target }: LineSettings): ReadTarget {
  if (protocol !== undefined && protocol !== 'dlt645' && protocol !== 'modbus') {
    throw new BadInput(`--protocol ${protocol}: expected dlt645 or modbus`);
  }
  if (standard !== undefined && standard !== '2007' && standard !== '1997') {
    throw new BadInput(`--standard ${standard}: expected 2007 or 1997`);
  }
  if (profile !== undefined && profileNamed(profile) === undefined) {
    throw new BadInput(`--profile ${profile}: expected one of ${PROFILES.map(({ name }) => name).join(', ')}`);
  }
  // Twelve digits are an address printed on a DL/T 645 meter; a Modbus unit has at most three.
  const dlt645 = protocol === undefined ? meter.length > 3 : protocol === 'dlt645';
  if (dlt645) {
    if (!/^[0-9A]{1,12}$/i.test(meter))
      throw new BadInput(`--meter ${meter}: expected up to 12 digits as printed on the meter`);
    if (meter === BROADCAST_ADDRESS) throw new BadInput(`--meter ${meter}: all hear it and none answers: expected one`);
    // What fills up a short address: 2007 zeros (5.2.1.2), 1997 AAH (6.1.2), byte by byte.
    const even = meter.length % 2 === 0 ? meter : `0${meter}`;
    const address = even.toUpperCase().padStart(12, standard === '1997' ? 'A' : '0');
    return { protocol: 'dlt645', address, standard };
  }
  const unit = Number(meter);
  // Over TCP a meter without a number of its own is 255 (Modbus Messaging on TCP/IP 1.0b, 4.4.2.2).
  const isUnit = (unit >= 1 && unit <= 247) || (unit === 255 && target.kind === 'modbus-tcp');
  if (!Number.isInteger(unit) || !isUnit)
    throw new BadInput(`--meter ${meter}: expected a Modbus unit from 1 to 247, or the 12 digits of a DL/T 645 meter`);
  return { protocol: 'modbus', unit, profile };
}
