import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startBus } from '../../firmware/bus/bus.ts';
import { checkCommand, trustKeys } from '../../firmware/commands/verify.ts';
import { loadSite } from '../../firmware/config/load.ts';
import { obeyOrders } from '../../firmware/control/obey.ts';
import { type Action, planOrder } from '../../firmware/control/order.ts';
import { busMeters, lineSettings } from '../../firmware/meters.ts';
import { decodeFrame, encodeFrame } from '../../protocols/dlt645/frame.ts';
import { type Answer, decodeRequest, encodeAnswer, type Request } from '../../protocols/dlt645/requests.ts';
import { Dlt645Meter } from '../../sim/dlt645-meter.ts';
import { createRandom } from '../../sim/random.ts';
import { SILENT_LOG } from '../support/virtual-bus.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { VirtualStreet } from '../support/virtual-street.ts';
import { issuerOf } from './commands/keys.ts';

const directory = mkdtempSync(join(tmpdir(), 'control-'));
const fileOf = (name: string, text: string) => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};

/** A bus of one DL/T 645 meter, id `home`, whose entry in the site file has `facts`. */
function gatewayOf(facts: string) {
  const text = `gateway: { id: gw-1 }
buses:
  - port: /dev/virtual?baud=9600&parity=none
    meters:
      - { protocol: dlt645, address: "000000000161", id: home, quietMs: 70, ${facts} }
      - { protocol: modbus, unit: 1, id: shop, profile: sdm630 }
uplink: { brokers: ["mqtt://x:1883"] }`;
  const { site, problems } = loadSite(text, 'site.yaml');
  if (site === undefined) throw new Error(JSON.stringify(problems));
  const clock = new VirtualClock();
  const street = new VirtualStreet(clock);
  const view = {
    phases: 1 as const,
    reading: () => ({ voltageV: [230], activePowerW: 100, currentA: [1] }),
    localMs: () => clock.nowMs() + 8 * 3_600_000,
    setLocalMs() {},
    waveform: () => undefined,
    record: () => [],
    count: () => 0,
    relayOpen: false,
  };
  const meter = new Dlt645Meter({ address: '000000000161', password: '123456' }, view, createRandom('m'));
  let orders = 0;
  street.line.attach({
    hear(bytes, atMs) {
      if (bytes.includes(0x1c)) orders++;
      return meter.hear(bytes, atMs);
    },
  });
  const [entry] = site.buses;
  const bus = startBus({
    settings: lineSettings(entry!),
    openPort: street.openPort,
    clock,
    meters: busMeters(entry!),
    onReading: () => {},
    onMeterState: () => {},
    onPortState: () => {},
    log: SILENT_LOG,
    signal: new AbortController().signal,
  });
  const obey = obeyOrders({ site, clock, busOf: (id) => (id === 'nobody' ? undefined : bus) });
  const order = (action: 'trip' | 'close' | 'freeze' | 'password', id = 'home') =>
    clock.settle(obey({ meter: id, action, values: [] }).catch((error: Error) => error.message));
  return { order, view, meter, site, orders: () => orders };
}

const pin = fileOf('pin', '123456\n');

describe('an order on the wire', () => {
  const secrets = { authority: { level: 4, password: '123456', operator: '00000007' }, next: '654321' };
  const localMs = () => Date.UTC(2026, 10, 21, 23, 15, 0);
  const { authority } = secrets;
  const write = { function: 'write-data', authority } as const;

  it.each<[Action, string[], object[]]>([
    ['trip', [], [{ function: 'relay-control', command: 'trip', until: '2026-11-21T23:25:00', authority }]],
    ['permit-close', [], [{ function: 'relay-control', command: 'permit-close' }]],
    ['close', [], [{ function: 'relay-control', command: 'close' }]],
    ['alarm', [], [{ function: 'relay-control', command: 'alarm' }]],
    ['alarm-off', [], [{ function: 'relay-control', command: 'alarm-off' }]],
    ['keep-power', [], [{ function: 'relay-control', command: 'keep-power' }]],
    ['keep-power-off', [], [{ function: 'relay-control', command: 'keep-power-off' }]],
    ['clear-demand', [], [{ function: 'clear-demand', authority }]],
    ['clear-meter', [], [{ function: 'clear-meter', authority }]],
    ['clear-events', [], [{ function: 'clear-events', authority, di: 'FFFFFFFF' }]],
    ['clear-events', ['03300dff'], [{ function: 'clear-events', authority, di: '03300DFF' }]],
    ['freeze', [], [{ function: 'freeze', when: '99999999' }]],
    ['freeze', ['99990000'], [{ function: 'freeze', when: '99990000' }]],
    ['baud', ['9600'], [{ function: 'change-baud', baud: 9600 }]],
    ['password', [], [{ function: 'change-password', di: '04000C05', next: { level: 4, password: '654321' } }]],
    ['write', ['04000103', '15'], [{ ...write, di: '04000103', data: Uint8Array.of(0x15) }]],
    [
      'time',
      [],
      [
        { ...write, di: '04000102', data: Uint8Array.of(0, 0x15, 0x23) },
        // A Saturday.
        { ...write, di: '04000101', data: Uint8Array.of(6, 0x21, 0x11, 0x26) },
      ],
    ],
  ])('%s %j', (action, values, expected) => {
    const target = { address: '000000000161', standard: '2007' } as const;
    const planned = planOrder(target, { action, values }, secrets, localMs);
    if ('problem' in planned) throw new Error(planned.problem);
    const exchange = planned.exchange();
    let move = exchange.start();
    for (const request of expected) {
      if (move.do !== 'send') throw new Error(move.do);
      const asked = decodeRequest(decodeFrame(move.bytes, move.bytes.indexOf(0x68)));
      expect(asked).toMatchObject(request);
      if ('problem' in asked) throw new Error(asked.problem);
      const answer = answerTo(asked);
      move = exchange.received(encodeFrame(encodeAnswer('000000000161', answer)));
    }
    expect(move.do).toBe('done');
  });

  it.each<['2007' | '1997', Action, string[], RegExp]>([
    ['2007', 'write', ['04000C05', '04123456'], /expected the action password/],
    ['1997', 'write', ['C212', '04123456'], /expected the action password/],
    ['2007', 'write', ['04000401', '000000000162'], /expected the action address/],
    ['1997', 'write', ['C032', '000000000162'], /expected the action address/],
    ['2007', 'write', ['04000703', '32'], /expected the action baud/],
    ['2007', 'write', ['04001003', ''], /does not fit/],
    ['2007', 'write', ['04001003', ' '], /does not fit/],
    ['2007', 'write', ['04001003', '0x10'], /does not fit/],
    ['2007', 'write', ['04001003', '1', '2'], /2 values/],
    ['2007', 'freeze', ['2315'], /expected MMDDhhmm/],
    ['2007', 'freeze', ['ABCDEF01'], /expected MMDDhhmm/],
    ['2007', 'clear-events', ['03300D'], /expected eight hex digits/],
    ['2007', 'baud', ['9601'], /expected one of 600, 1200/],
    ['2007', 'baud', ['toString'], /expected one of 600, 1200/],
    ['1997', 'freeze', [], /not in DL\/T 645-1997/],
  ])('is not made for %s %s %j', (standard, action, values, problem) => {
    const target = { address: '000000000161', standard } as const;
    expect(planOrder(target, { action, values }, secrets, localMs)).toEqual({
      problem: expect.stringMatching(problem),
    });
  });

  it('sets no clock in the last minute of a day, which could end between the two writes', () => {
    const target = { address: '000000000161', standard: '2007' } as const;
    const at = (hour: number, minute: number, second: number) =>
      planOrder(target, { action: 'time', values: [] }, secrets, () => Date.UTC(2026, 1, 28, hour, minute, second));
    expect(at(23, 59, 1)).toEqual({ problem: expect.stringMatching(/midnight/) });
    expect(at(23, 59, 59)).toEqual({ problem: expect.stringMatching(/midnight/) });
    expect(at(23, 58, 59)).toHaveProperty('exchange');
    expect(at(0, 0, 0)).toHaveProperty('exchange');
  });

  function answerTo(request: Request): Answer {
    const { standard } = request;
    if (request.function === 'change-baud') return { standard, function: 'change-baud', baud: request.baud };
    if (request.function === 'change-password') return { standard, function: 'change-password', next: request.next };
    return { standard, function: request.function, done: true } as Answer;
  }
});

describe('an order of the platform', () => {
  it('is carried out where the site file allows it', async () => {
    const { order, view } = gatewayOf(`allow: [relay], authority: { passwordFile: ${pin} }`);
    expect(await order('trip')).toEqual({ outcome: 'done' });
    expect(view.relayOpen).toBe(true);
    expect(await order('close')).toEqual({ outcome: 'done' });
    expect(view.relayOpen).toBe(false);
  });

  it('is refused where it does not, with nothing on the wire', async () => {
    const { order, orders } = gatewayOf(`allow: [clear, write], authority: { passwordFile: ${pin} }`);
    expect(await order('trip')).toBe('home: the site file does not allow relay');
    expect(await order('trip', 'nobody')).toBe('nobody: not in the site file');
    expect(await order('trip', 'shop')).toBe('shop: only DL/T 645 meters take orders');
    expect(orders()).toBe(0);
    // A freeze changes nothing that counts.
    expect(await order('freeze')).toEqual({ outcome: 'done' });
  });

  it('wants a password that stands in a file', async () => {
    expect(await gatewayOf('allow: [relay]').order('trip')).toBe('home: the site file names no authority');
    const bad = fileOf('bad', 'secret');
    const { order } = gatewayOf(`allow: [relay, password], authority: { passwordFile: ${bad} }`);
    expect(await order('trip')).toBe(`${bad}: expected six digits`);
    const { order: change } = gatewayOf(`allow: [password], authority: { passwordFile: ${pin} }`);
    expect(await change('password')).toBe('password: expected the next one');
  });

  it('is not given again after a wrong password: three times lock a meter', async () => {
    const wrong = fileOf('wrong', '000001');
    const { order, orders } = gatewayOf(`allow: [relay], authority: { passwordFile: ${wrong} }`);
    expect(await order('trip')).toMatch(/^refused: unauthorised/);
    expect(await order('trip')).toMatch(/called its password wrong/);
    expect(orders()).toBe(1);
  });

  it('is sent once, and unknown when nothing comes back', async () => {
    const { order, meter, orders, view } = gatewayOf(`allow: [relay], authority: { passwordFile: ${pin} }`);
    meter.faults = { ...meter.faults, silent: 1 };
    expect(await order('trip')).toMatch(/^unknown: no-answer/);
    expect([orders(), view.relayOpen]).toEqual([1, true]);
  });

  it('needs an operator and a clock that is believed', () => {
    const nowMs = Date.UTC(2026, 5, 1);
    const operator = issuerOf('operator-1', ['operator'], () => nowMs);
    const worker = issuerOf('worker-1', ['worker', 'maintainer'], () => nowMs);
    const context = { keys: trustKeys([operator.key, worker.key]), gateway: 'gw-1', nowMs, clockOk: true };
    const trip = { op: 'control', args: { meter: 'home', action: 'trip' } } as const;
    expect(checkCommand(operator.command(trip), context)).toMatchObject({ ok: true, body: { args: { values: [] } } });
    expect(checkCommand(worker.command(trip), context)).toMatchObject({ ok: false, refusal: 'no-right' });
    const unset = checkCommand(operator.command(trip), { ...context, clockOk: false });
    expect(unset).toMatchObject({ ok: false, refusal: 'clock-not-set' });
    const jump = { op: 'control', args: { meter: 'home', action: 'jump' } } as const;
    expect(checkCommand(operator.command(jump), context)).toMatchObject({ ok: false, refusal: 'bad-arguments' });
  });

  it('finds quietMs of the site file at the bus', () => {
    const { site } = gatewayOf('allow: []');
    expect(busMeters(site.buses[0]!).map(({ quietMs }) => quietMs)).toEqual([70, undefined]);
  });
});
