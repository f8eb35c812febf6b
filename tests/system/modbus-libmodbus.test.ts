/** An independent master, `mbpoll` on libmodbus (Debian: `apt install mbpoll`), reads and writes the simulated meter over a pseudo-terminal. */
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestLength } from '../../protocols/modbus/frame.ts';
import { modbusMeter, rowValue } from '../../sim/modbus-meter.ts';
import { openPty } from '../../sim/pty.ts';
import type { SimPort } from '../../sim/sim-port.ts';

const run = promisify(execFile);

function isInstalled(): boolean {
  try {
    execFileSync('mbpoll', ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn('SKIPPED: mbpoll is not installed, so no independent Modbus master was asked (apt install mbpoll)');
    return false;
  }
}

const READING = {
  activePowerW: 1234.5,
  voltageV: [230.1, 229.5, 231.2],
  currentA: [5.25, 1.5, 0.25],
  powerFactor: [0.98, 0.9, 1],
  frequencyHz: 50.01,
  importWh: 1_234_500,
};

describe.skipIf(!isInstalled())('libmodbus against the simulated meter (needs mbpoll)', () => {
  let port: SimPort;
  const sdm630 = modbusMeter({ unit: 5, profile: 'sdm630', value: (row) => rowValue(row, READING) });
  const adl3000 = modbusMeter({
    unit: 6,
    profile: 'adl3000',
    value: (row) => rowValue(row, READING),
    refusesHoles: true,
  });

  beforeAll(async () => {
    let held = Buffer.alloc(0);
    port = await openPty((bytes) => {
      held = Buffer.concat([held, bytes]);
      const length = requestLength(held);
      if (!length || held.length < length) return;
      const request = held.subarray(0, length);
      held = held.subarray(length);
      for (const meter of [sdm630, adl3000]) {
        const answer = meter.answer(request);
        if (answer) port.write(answer);
      }
    });
  });
  afterAll(() => port.close());

  /** What `mbpoll` printed as `[address]: value`. */
  async function mbpoll(unit: number, ...args: string[]): Promise<number[]> {
    const line = ['-m', 'rtu', '-b', '9600', '-P', 'none', '-1', '-0', '-a', String(unit)];
    const { stdout } = await run('mbpoll', [...line, ...args], { timeout: 10_000 });
    return [...stdout.matchAll(/^\[\d+\]:\s+(-?[\d.e+-]+)/gm)].map((match) => Number(match[1]));
  }

  it('reads floats of the input registers', async () => {
    expect(await mbpoll(5, '-t', '3:float', '-B', '-r', '0', '-c', '3', port.url)).toEqual([230.1, 229.5, 231.2]);
    expect(await mbpoll(5, '-t', '3:float', '-B', '-r', '70', '-c', '2', port.url)).toEqual([50.01, 1234.5]);
  });

  it('reads words of the holding registers', async () => {
    expect(await mbpoll(6, '-t', '4', '-r', '97', '-c', '3', port.url)).toEqual([2301, 2295, 2312]);
    expect(await mbpoll(6, '-t', '4:int', '-B', '-r', '10', '-c', '1', port.url)).toEqual([123_450]);
  });

  it('writes one register and several, and reads them back', async () => {
    await mbpoll(5, '-t', '4', '-r', '100', port.url, '77');
    await mbpoll(5, '-t', '4', '-r', '101', port.url, '78', '79');
    expect(await mbpoll(5, '-t', '4', '-r', '100', '-c', '3', port.url)).toEqual([77, 78, 79]);
  });

  it('writes coils and reads them back', async () => {
    await mbpoll(5, '-t', '0', '-r', '20', port.url, '1');
    await mbpoll(5, '-t', '0', '-r', '21', port.url, '0', '1', '1');
    expect(await mbpoll(5, '-t', '0', '-r', '20', '-c', '4', port.url)).toEqual([1, 0, 1, 1]);
  });

  it('understands the exceptions', async () => {
    await expect(mbpoll(6, '-t', '4', '-r', '5000', port.url)).rejects.toThrow(/Illegal data address/);
  });
});
