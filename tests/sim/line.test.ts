import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../protocols/dlt645/frame.ts';
import { Line, type LineFaults, type Station } from '../../sim/line.ts';
import { createRandom } from '../../sim/random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const settings = { baud: 2400, parity: 'even', stopBits: 1 } as const;
const answer = Uint8Array.from({ length: 40 }, (_, i) => i);

/** Answers every burst with the same forty bytes after `delayMs`. */
const parrot = (delayMs: number): Station => ({ hear: () => [{ bytes: answer, delayMs }] });

function setUp(stations: readonly Station[], faults: Partial<LineFaults> = {}, masterBaud?: () => number) {
  const clock = new VirtualClock();
  const heard: { atMs: number; bytes: number[] }[] = [];
  const give = (bytes: Uint8Array) => heard.push({ atMs: clock.monotonicMs(), bytes: [...bytes] });
  const line = new Line(settings, clock, createRandom('line'), give, {
    faults,
    ...(masterBaud === undefined ? {} : { masterBaud }),
  });
  for (const station of stations) line.attach(station);
  return { clock, line, heard, all: () => heard.flatMap((chunk) => chunk.bytes) };
}

describe('line', () => {
  it('gives every byte its eleven bits at 2400 baud, both ways', async () => {
    const { clock, line, heard, all } = setUp([parrot(20)]);
    line.fromMaster(new Uint8Array(12));
    await clock.run(1000);
    expect(all()).toEqual([...answer]);
    const byteMs = 11_000 / 2400;
    expect(heard[0]?.atMs).toBeCloseTo(12 * byteMs + 20 + 16 * byteMs, 6);
    expect(heard.at(-1)?.atMs).toBeCloseTo(12 * byteMs + 20 + 40 * byteMs, 6);
    expect(line.counts).toMatchObject({ silenceViolations: 0, requestsOnAnswers: 0, damaged: 0, requestBytes: 12 });
  });

  it('counts a request within 3.5 characters of the answer, and one on top of it', async () => {
    const { clock, line, all } = setUp([parrot(0)]);
    line.fromMaster(new Uint8Array(1));
    const byteMs = line.wireMs(1);
    await clock.run(41 * byteMs + 2);
    line.fromMaster(new Uint8Array(1));
    expect(line.counts.silenceViolations).toBe(1);
    await clock.run(10 * byteMs);
    line.fromMaster(Uint8Array.of(9, 9, 9));
    expect(line.counts.requestsOnAnswers).toBe(1);
    await clock.run(5000);
    expect(all().slice(40, 80)).not.toEqual([...answer]);
  });

  it('asks no such silence of DL/T 645, but of a Modbus unit that looks like it', async () => {
    const { clock, line } = setUp([parrot(0)]);
    const read = encodeFrame({ address: '000000000161', control: 0x11, data: Uint8Array.of(0, 1, 1, 2) }, 4);
    line.fromMaster(Uint8Array.of(1));
    await clock.run(41 * line.wireMs(1) + 2);
    line.fromMaster(read);
    expect(line.counts.silenceViolations).toBe(0);
    await clock.run(5000);
    line.fromMaster(Uint8Array.of(1));
    await clock.run(41 * line.wireMs(1) + 2);
    line.fromMaster(Uint8Array.of(0x68, 3, 0, 0, 0, 1, 0x8d, 0x33));
    expect(line.counts.silenceViolations).toBe(1);
  });

  it('lets two meters of one address spoil each other', async () => {
    const { clock, line, all } = setUp([parrot(10), parrot(25)]);
    line.fromMaster(new Uint8Array(4));
    await clock.run(5000);
    expect(line.counts.collisions).toBe(1);
    expect(all()).not.toEqual([...answer]);
    expect(all().length).toBeLessThan(80);
  });

  it('garbles both ways when the master has another baud rate', async () => {
    let baud = 9600;
    const heard: Uint8Array[] = [];
    const ear: Station = {
      hear(bytes) {
        heard.push(bytes);
        return [];
      },
    };
    const { clock, line } = setUp([ear], {}, () => baud);
    const request = Uint8Array.from({ length: 32 }, (_, i) => i);
    line.fromMaster(request);
    await clock.run(1000);
    expect(heard[0]).not.toEqual(request);
    baud = 2400;
    line.fromMaster(request);
    await clock.run(1000);
    expect(heard[1]).toEqual(request);
  });

  it.each(['noise', 'flip', 'drop', 'truncate', 'extra', 'echo'] as const)('%s changes what arrives', async (fault) => {
    const clean = setUp([parrot(5)]);
    const faulty = setUp([parrot(5)], { [fault]: 0.9 });
    for (const { line, clock } of [clean, faulty]) {
      for (let i = 0; i < 20; i++) {
        line.fromMaster(Uint8Array.of(1, 2, 3));
        await clock.run(1000);
      }
    }
    expect(faulty.all()).not.toEqual(clean.all());
    if (fault !== 'echo') expect(faulty.line.counts.damaged).toBeGreaterThan(0);
  });

  it('lets nothing arrive after it was cut, and works again', async () => {
    const { clock, line, all } = setUp([parrot(5)]);
    line.fromMaster(Uint8Array.of(1));
    await clock.run(20);
    line.cut();
    await clock.run(5000);
    expect(all()).toEqual([]);
    line.fromMaster(Uint8Array.of(1));
    await clock.run(5000);
    expect(all()).toEqual([...answer]);
  });

  it('is the same on every run of one seed', async () => {
    const run = async () => {
      const { clock, line, heard } = setUp([parrot(5), parrot(70)], {
        noise: 0.05,
        drop: 0.05,
        late: 0.5,
        lateMs: 400,
      });
      for (let i = 0; i < 10; i++) {
        line.fromMaster(Uint8Array.of(1, 2, 3));
        await clock.run(300);
      }
      return heard;
    };
    expect(await run()).toEqual(await run());
  });
});
