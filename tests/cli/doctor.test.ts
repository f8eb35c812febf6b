import { expect, it } from 'vitest';
import { examineBuses, type Finding } from '../../firmware/cli/doctor-bus.ts';
import { loadSite } from '../../firmware/config/load.ts';
import type { OpenPort } from '../../firmware/port.ts';
import { formatTarget } from '../../firmware/port-address.ts';
import { addressOf, attachMeter } from '../support/dlt645-street.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { VirtualStreet } from '../support/virtual-street.ts';

const PATIENCE_MS = 20_000;
const PORTS = ['/dev/dead1', '/dev/alive', '/dev/dead2', '/dev/gone'];

const numbersOf = (bus: number) => [1, 2, 3].map((i) => 10 * bus + i);

function siteText(): string {
  const meters = (bus: number) =>
    numbersOf(bus)
      .map((number) => `{ protocol: dlt645, address: "${addressOf(number)}" }`)
      .join(', ');
  return [
    'gateway: { id: gw-1 }',
    'buses:',
    ...PORTS.map((port, bus) => `  - { port: '${port}?baud=2400', meters: [${meters(bus)}] }`),
    'uplink: { brokers: [mqtt://127.0.0.1:1] }',
  ].join('\n');
}

it('asks all buses at the same time, under one deadline, and says of each what it found', async () => {
  const { site, problems } = loadSite(siteText(), 'site.yaml');
  if (site === undefined) throw new Error(JSON.stringify(problems));
  const clock = new VirtualClock();
  const streets = new Map(PORTS.map((port) => [port, new VirtualStreet(clock)]));
  for (const number of numbersOf(1)) attachMeter(streets.get('/dev/alive')!.line, number, 40, () => {});
  streets.get('/dev/gone')!.unplug();
  const openPort: OpenPort = (settings, events) =>
    streets.get(formatTarget(settings.target))!.openPort(settings, events);

  const told: (Finding & { atMs: number })[] = [];
  const tell = async (finding: Promise<Finding>) => told.push({ ...(await finding), atMs: clock.monotonicMs() });
  await clock.settle(
    Promise.all(examineBuses(site, { openPort, clock, patienceMs: PATIENCE_MS }).map(tell)),
    10 * PATIENCE_MS,
  );

  const of = (port: string) => told.find(({ what }) => what.startsWith(port));
  expect(of('/dev/alive')).toMatchObject({ ok: true, detail: expect.stringMatching(/^all 3 meters answer/) });
  expect(of('/dev/alive')!.atMs).toBeLessThan(2_000);
  expect(of('/dev/gone')).toMatchObject({ ok: false, todo: 'no such device' });
  for (const port of ['/dev/dead1', '/dev/dead2']) {
    expect(of(port)).toMatchObject({ ok: false, detail: expect.stringMatching(/^0 of 3 meters answer/) });
  }
  expect(Math.max(...told.map(({ atMs }) => atMs))).toBeLessThanOrEqual(PATIENCE_MS);
});
