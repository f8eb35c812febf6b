/**
 * A master written from the text of DL/T 645-2007 and -1997 and of Modbus alone: it shares no line with the product,
 * so a mistake made on both sides of the wire at once shows here.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { SerialPort } from 'serialport';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningSim, startSim } from '../../sim/street.ts';

type Wire = {
  write(bytes: Uint8Array): unknown;
  on(event: 'data', heard: (bytes: Buffer) => void): unknown;
  off(event: 'data', heard: (bytes: Buffer) => void): unknown;
};

/** FE FE FE FE 68 A0…A5 68 C L DATA+33H CS 16. */
function request(address: string, control: number, data: readonly number[]): Buffer {
  const body = [
    0x68,
    ...bytesReversed(address),
    0x68,
    control,
    data.length,
    ...data.map((byte) => (byte + 0x33) % 256),
  ];
  const sum = body.reduce((total, byte) => total + byte, 0) % 256;
  return Buffer.from([0xfe, 0xfe, 0xfe, 0xfe, ...body, sum, 0x16]);
}

function bytesReversed(hex: string): number[] {
  return [...Buffer.from(hex, 'hex')].reverse();
}

interface Answer {
  address: string;
  control: number;
  data: number[];
}

/** Takes the frame out of what came, or nothing while it is not whole; throws on a wrong sum. */
function answerIn(heard: Buffer): Answer | undefined {
  const at = heard.indexOf(0x68);
  if (at < 0 || heard.length < at + 12) return undefined;
  const length = heard[at + 9]!;
  if (heard.length < at + 12 + length) return undefined;
  const sum = heard.subarray(at, at + 10 + length).reduce((total, byte) => total + byte, 0) % 256;
  if (heard[at + 10 + length] !== sum || heard[at + 11 + length] !== 0x16) throw new Error('wrong sum or end');
  const data = [...heard.subarray(at + 10, at + 10 + length)].map((byte) => (byte + 256 - 0x33) % 256);
  return { address: bytesToHex(heard.subarray(at + 1, at + 7)), control: heard[at + 8]!, data };
}

function bytesToHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).reverse().toString('hex');
}

/** BCD, low byte first, the top bit of the last byte is the sign. */
function number(data: readonly number[], decimals: number, signed = false): number {
  const digits = [...data].reverse();
  const negative = signed && (digits[0]! & 0x80) !== 0;
  if (signed) digits[0] = digits[0]! & 0x7f;
  const value = Number(digits.map((byte) => byte.toString(16).padStart(2, '0')).join('')) / 10 ** decimals;
  return negative ? -value : value;
}

async function ask(wire: Wire, bytes: Buffer): Promise<Answer> {
  let heard = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error(`no answer, heard ${heard.toString('hex')}`)), 3000);
    const take = (chunk: Buffer): void => {
      heard = Buffer.concat([heard, chunk]);
      const answer = answerIn(heard);
      if (answer === undefined) return;
      clearTimeout(deadline);
      wire.off('data', take);
      // Half a byte more than 3.5 characters at 9600 baud, as the standard of the bus wants between two frames.
      setTimeout(() => resolve(answer), 8);
    };
    wire.on('data', take);
    wire.write(bytes);
  });
}

const read = async (wire: Wire, address: string, item: string) => {
  const answer = await ask(wire, request(address, 0x11, bytesReversed(item)));
  expect(answer.control).toBe(0x91);
  expect(bytesToHex(Uint8Array.from(answer.data.slice(0, 4)))).toBe(item);
  return answer.data.slice(4);
};

describe.each(['tcp', 'pty'] as const)('an independent master over %s', (ports) => {
  let sim: RunningSim;
  let wire: Socket | SerialPort;
  const flat = '000100000102';

  const open = async (name: string): Promise<Socket | SerialPort> => {
    const port = sim.ports.find((it) => it.name === name)!.port;
    if (port.startsWith('tcp:')) {
      const socket = connect(Number(new URL(port).port), '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    }
    const [path, query] = port.split('?');
    const parity = new URLSearchParams(query).get('parity') as 'even' | 'none';
    const serial = new SerialPort({ path: path!, baudRate: 9600, parity });
    await once(serial, 'open');
    return serial;
  };
  const close = async (one: Socket | SerialPort): Promise<void> => {
    const closed = once(one, 'close');
    if (one instanceof SerialPort) one.close();
    else one.destroy();
    await closed;
  };

  beforeAll(async () => {
    sim = await startSim('demo', { ports });
    wire = await open('flat-1');
  });
  afterAll(async () => {
    await close(wire);
    await sim.stop();
  });

  it('reads what the source says: voltage, current, power, energy', async () => {
    const volts = number(await read(wire, flat, '02010100'), 1);
    const amps = number(await read(wire, flat, '02020100'), 3, true);
    const kw = number(await read(wire, flat, '02030000'), 4, true);
    const kwh = number(await read(wire, flat, '00010000'), 2);
    const truth = sim.source.readingAt(flat, sim.streetMs());
    expect(volts).toBeCloseTo(truth.voltageV?.[0] ?? 0, -1);
    expect(amps).toBeCloseTo(truth.currentA?.[0] ?? 0, 0);
    expect(kw).toBeCloseTo((truth.activePowerW ?? 0) / 1000, 0);
    expect(kwh).toBeCloseTo((truth.importWh ?? 0) / 1000, 0);
  });

  it("finds the meter's address by the wildcard of its last digits and reads its clock", async () => {
    const answer = await ask(wire, request('aaaaaaaa0102', 0x13, []));
    expect(answer).toEqual({ address: flat, control: 0x93, data: bytesReversed(flat) });
    const [, day, month, year] = await read(wire, flat, '04000101');
    const here = new Date(Date.now() + 8 * 3_600_000);
    expect([year, month, day].map((byte) => Number(byte?.toString(16)))).toEqual([
      here.getUTCFullYear() % 100,
      here.getUTCMonth() + 1,
      here.getUTCDate(),
    ]);
  });

  it('follows a record that is longer than a frame', async () => {
    const first = await ask(wire, request(flat, 0x11, bytesReversed('03300201')));
    expect(first.control).toBe(0xb1);
    const next = await ask(wire, request(flat, 0x12, [...bytesReversed('03300201'), 1]));
    expect(next.control).toBe(0x92);
    expect(first.data.length - 4 + next.data.length - 5).toBe(202);
  });

  it('is told what there is not', async () => {
    const answer = await ask(wire, request(flat, 0x11, bytesReversed('0f0f0f0f')));
    expect(answer).toEqual({ address: flat, control: 0xd1, data: [2] });
  });

  it('reads a 1997 meter and a Modbus meter of the same street', async () => {
    const elder = await open('elder-1');
    const answer = await ask(elder, request('000200000101', 0x01, bytesReversed('b611')));
    expect(answer.control).toBe(0x81);
    expect(number(answer.data.slice(2), 0)).toBeGreaterThan(200);
    await close(elder);
    // DTSU666: holding register 2000H, float32, tenths of a volt; CRC-16 of the request worked out by hand.
    const shop = await open('shop-1');
    const heard: number[] = [];
    (shop as Wire).on('data', (bytes) => heard.push(...bytes));
    shop.write(Buffer.from([1, 3, 0x20, 0, 0, 2, ...crc([1, 3, 0x20, 0, 0, 2])]));
    await expect.poll(() => heard.length, { timeout: 3000 }).toBe(9);
    expect(heard.slice(0, 3)).toEqual([1, 3, 4]);
    expect(Buffer.from(heard.slice(3, 7)).readFloatBE() / 10).toBeGreaterThan(200);
    expect(heard.slice(7)).toEqual(crc(heard.slice(0, 7)));
    await close(shop);
  });
});

/** CRC-16, polynomial A001H reflected, start FFFFH, low byte first. */
function crc(bytes: readonly number[]): number[] {
  let value = 0xffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >> 1) ^ 0xa001 : value >> 1;
  }
  return [value & 0xff, value >> 8];
}
