import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemSimClock } from '../../sim/clock.ts';
import { Dlt645Meter } from '../../sim/dlt645-meter.ts';
import { Line } from '../../sim/line.ts';
import { createRandom } from '../../sim/random.ts';
import type { SimPort } from '../../sim/sim-port.ts';
import { openTcp } from '../../sim/tcp.ts';
import { gridwarden } from './run-cli.ts';

const METER = '000000000161';
const SHANGHAI_MS = 8 * 3_600_000;
const directory = mkdtempSync(join(tmpdir(), 'control-'));
const pin = join(directory, 'pin');
writeFileSync(pin, '123456\n');
const wrongPin = join(directory, 'wrong');
writeFileSync(wrongPin, '654321');

function makeMeter(address: string) {
  let offMs = -40_000;
  const view = {
    phases: 1 as const,
    reading: () => ({ voltageV: [230] }),
    localMs: () => Date.now() + SHANGHAI_MS + offMs,
    setLocalMs(localMs: number) {
      offMs += localMs - view.localMs();
    },
    offMs: () => offMs,
    waveform: () => undefined,
    record: () => [],
    count: () => 0,
    relayOpen: false,
  };
  const meter = new Dlt645Meter({ address, password: '123456' }, view, createRandom(address));
  return { meter, view };
}

let line: Line;
let port: SimPort;
let requests: string[];
let home: ReturnType<typeof makeMeter>;
beforeEach(async () => {
  requests = [];
  line = new Line({ baud: 9600, parity: 'even', stopBits: 1 }, systemSimClock, createRandom('line'), (bytes) =>
    port.write(bytes),
  );
  home = makeMeter(METER);
  line.attach(home.meter);
  port = await openTcp((bytes) => {
    requests.push(Buffer.from(bytes).toString('hex'));
    line.fromMaster(bytes);
  });
});
afterEach(async () => {
  line.cut();
  await port.close();
});

const control = (args: string[], stdin = '') =>
  gridwarden(['control', '--port', port.url, '--meter', METER, ...args], stdin, { TZ: 'Asia/Shanghai' });

describe('control', () => {
  it('trips and closes the relay with the password of a file, and says so in one line', async () => {
    const tripped = await control(['trip', '--password-file', pin, '--yes-i-mean-it']);
    expect(tripped).toMatchObject({ status: 0, lines: [{ meter: METER, action: 'trip', outcome: 'done' }] });
    expect(home.view.relayOpen).toBe(true);
    // From a pipe, as a person would type it.
    expect((await control(['close', '--yes-i-mean-it'], '123456\n')).status).toBe(0);
    expect(home.view.relayOpen).toBe(false);
    expect(requests).toHaveLength(2);
  });

  it('sends nothing without the word, without a password, or with an order that does not fit', async () => {
    const wants: [string[], RegExp][] = [
      [['trip', '--password-file', pin], /--yes-i-mean-it/],
      [['trip', '--yes-i-mean-it'], /password: expected six digits/],
      [['trip', '--yes-i-mean-it', '--password-file', join(directory, 'none')], /no such file/],
      [['jump', '--yes-i-mean-it'], /expected one of trip, permit-close/],
      [['constructor', '--yes-i-mean-it'], /expected one of trip, permit-close/],
      [['baud', '1234', '--yes-i-mean-it'], /baud/],
      [['freeze', 'x'], /freeze/],
      [['write', '04000103', '--yes-i-mean-it', '--password-file', pin], /04000103/],
      [['write', '04000C03', '123456', '--yes-i-mean-it', '--password-file', pin], /expected the action password/],
      [['trip', '--standard', '1997', '--yes-i-mean-it', '--password-file', pin], /not in DL\/T 645-1997/],
      [['trip', '--meter', '999999999999', '--yes-i-mean-it', '--password-file', pin], /expected one meter, not all/],
      [['freeze', '--meter', '161'], /--meter 161: expected all 12 digits/],
      [['trip', '--until', 'soon', '--yes-i-mean-it', '--password-file', pin], /--until/],
    ];
    for (const [args, problem] of wants) {
      const ran = await control(args);
      expect(ran, args.join(' ')).toMatchObject({ status: 2, stdout: '' });
      expect(ran.stderr, args.join(' ')).toMatch(problem);
      expect(ran.stderr).not.toMatch(/123456|654321/);
    }
    expect(requests).toEqual([]);
  });

  it('asks once only: a wrong password is refused, silence leaves it unknown, no port means not sent', async () => {
    const wrong = await control(['trip', '--password-file', wrongPin, '--yes-i-mean-it']);
    expect(wrong).toMatchObject({ status: 1, lines: [{ outcome: 'refused', error: 'unauthorised' }] });
    expect(wrong.stderr).toMatch(/not to be repeated/);
    expect(requests).toHaveLength(1);
    home.meter.faults = { ...home.meter.faults, silent: 1 };
    const silent = await control(['trip', '--password-file', pin, '--yes-i-mean-it']);
    expect(silent).toMatchObject({ status: 1, lines: [{ outcome: 'unknown', error: 'no-answer' }] });
    expect(home.view.relayOpen).toBe(true);
    expect(requests).toHaveLength(2);
    await port.close();
    const gone = await control(['freeze']);
    expect(gone).toMatchObject({ status: 1, lines: [{ outcome: 'not-sent', error: 'port-lost' }] });
  });

  it('sets one clock with the password, all by broadcast without', async () => {
    expect((await control(['time', '--password-file', pin, '--yes-i-mean-it'])).status).toBe(0);
    expect(Math.abs(home.view.offMs())).toBeLessThan(2_000);
    home.view.setLocalMs(home.view.localMs() + 100_000);
    const all = await gridwarden(['control', '--port', port.url, '--meter', '999999999999', 'time'], '', {
      TZ: 'Asia/Shanghai',
    });
    expect(all.status).toBe(0);
    // Nobody answers: the last bytes may still be on the line.
    await expect.poll(() => Math.abs(home.view.offMs())).toBeLessThan(2_000);
  });

  it('gives another address only to the meter that is alone on the line', async () => {
    const neighbour = makeMeter('000000000162');
    line.attach(neighbour.meter);
    const both = await control(['address', '000000000200', '--yes-i-mean-it']);
    expect(both).toMatchObject({ status: 1, lines: [{ outcome: 'refused' }] });
    line.detach(home.meter);
    const other = await control(['address', '000000000200', '--yes-i-mean-it']);
    expect(other.lines[0]?.detail).toMatch(/000000000162 is on the line/);
    expect([home.meter.address, neighbour.meter.address]).toEqual([METER, '000000000162']);
    line.detach(neighbour.meter);
    line.attach(home.meter);
    expect((await control(['address', '000000000200', '--yes-i-mean-it'])).status).toBe(0);
    expect(home.meter.address).toBe('000000000200');
  });

  it('freezes, changes the rate, and says what the meter does not do', async () => {
    expect((await control(['freeze', '99990000'])).lines[0]).toMatchObject({ outcome: 'done', values: ['99990000'] });
    expect((await control(['baud', '4800', '--yes-i-mean-it'])).status).toBe(0);
    const write = await control(['write', '04000103', '15', '--password-file', pin, '--yes-i-mean-it']);
    expect(write).toMatchObject({ status: 1, lines: [{ outcome: 'refused', error: 'no-such-data' }] });
  });
});
