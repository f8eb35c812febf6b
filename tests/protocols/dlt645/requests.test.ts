import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../protocols/bytes.ts';
import { decodeControl, encodeControl, errorNames, FUNCTIONS, isDangerous } from '../../../protocols/dlt645/control.ts';
import {
  type Answer,
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  type Request,
} from '../../../protocols/dlt645/requests.ts';

const ADDRESS = '000000000161';
const by = { level: 2, password: '123456', operator: '00000001' };
const by1997 = { level: 2, password: '123456' };
const data = Uint8Array.of(1, 2, 3);

const REQUESTS: readonly (readonly [Request, string])[] = [
  [{ standard: '2007', function: 'read-data', di: '00010000' }, '11 00 00 01 00'],
  [{ standard: '2007', function: 'read-data', di: '06010002', extra: Uint8Array.of(4) }, '11 02 00 01 06 04'],
  [{ standard: '2007', function: 'read-next', di: '00010000', sequence: 255 }, '12 00 00 01 00 FF'],
  [{ standard: '2007', function: 'read-address' }, '13'],
  [
    { standard: '2007', function: 'write-data', di: '04000B01', authority: by, data },
    '14 01 0B 00 04 02 56 34 12 01 00 00 00 01 02 03',
  ],
  [{ standard: '2007', function: 'write-address', address: '201000000012' }, '15 12 00 00 00 10 20'],
  [{ standard: '2007', function: 'freeze', when: '99012345' }, '16 45 23 01 99'],
  [{ standard: '2007', function: 'change-baud', baud: 9600 }, '17 20'],
  [
    {
      standard: '2007',
      function: 'change-password',
      di: '04000C04',
      authority: by1997,
      next: { level: 3, password: '654321' },
    },
    '18 04 0C 00 04 02 56 34 12 03 21 43 65',
  ],
  [{ standard: '2007', function: 'clear-demand', authority: by }, '19 02 56 34 12 01 00 00 00'],
  [{ standard: '2007', function: 'clear-meter', authority: by }, '1A 02 56 34 12 01 00 00 00'],
  [
    { standard: '2007', function: 'clear-events', authority: by, di: 'FFFFFFFF' },
    '1B 02 56 34 12 01 00 00 00 FF FF FF FF',
  ],
  [
    {
      standard: '2007',
      function: 'relay-control',
      authority: by,
      command: 'permit-close',
      until: '2099-12-30T00:00:00',
    },
    '1C 02 56 34 12 01 00 00 00 1B 00 00 00 00 30 12 99',
  ],
  [
    { standard: '2007', function: 'relay-control', authority: by, command: 0x77 },
    '1C 02 56 34 12 01 00 00 00 77 00 00 00 00 00 00 00',
  ],
  [{ standard: '2007', function: 'terminal-output', output: 2 }, '1D 02'],
  [{ standard: '2007', function: 'broadcast-time', time: '2017-06-05T10:40:25' }, '08 25 40 10 05 06 17'],
  [
    { standard: '2007', function: 'security', di: '078000FF', operator: '00000001', data },
    '03 FF 00 80 07 01 00 00 00 01 02 03',
  ],
  [{ standard: '1997', function: 'read-data', di: '9010' }, '01 10 90'],
  [{ standard: '1997', function: 'read-next', di: '9010' }, '02 10 90'],
  [{ standard: '1997', function: 'read-again' }, '03'],
  [{ standard: '1997', function: 'write-data', di: 'C111', authority: by1997, data }, '04 11 C1 02 56 34 12 01 02 03'],
  [{ standard: '1997', function: 'write-address', address: '201000000012' }, '0A 12 00 00 00 10 20'],
  [{ standard: '1997', function: 'change-baud', baud: 1200 }, '0C 04'],
  [
    { standard: '1997', function: 'change-password', authority: by1997, next: { level: 3, password: '654321' } },
    '0F 02 56 34 12 03 21 43 65',
  ],
  [{ standard: '1997', function: 'clear-demand', authority: by1997 }, '10 02 56 34 12'],
];

const ANSWERS: readonly (readonly [Answer, string])[] = [
  [{ standard: '2007', function: 'read-data', di: '00010000', data, more: true }, 'B1 00 00 01 00 01 02 03'],
  [
    { standard: '2007', function: 'read-next', di: '00010000', data, more: false, sequence: 3 },
    '92 00 00 01 00 01 02 03 03',
  ],
  [
    { standard: '2007', function: 'read-next', di: '00010000', data, more: true, sequence: 1 },
    'B2 00 00 01 00 01 02 03 01',
  ],
  [{ standard: '2007', function: 'read-data', error: 2, errors: ['no-such-data'] }, 'D1 02'],
  [{ standard: '2007', function: 'read-address', address: '201000000012' }, '93 12 00 00 00 10 20'],
  [{ standard: '2007', function: 'write-data', done: true }, '94'],
  [{ standard: '2007', function: 'write-data', error: 4, errors: ['unauthorised'] }, 'D4 04'],
  [{ standard: '2007', function: 'write-address', done: true }, '95'],
  [{ standard: '2007', function: 'freeze', done: true }, '96'],
  [{ standard: '2007', function: 'change-baud', baud: 2400 }, '97 08'],
  [{ standard: '2007', function: 'change-password', next: { level: 3, password: '654321' } }, '98 03 21 43 65'],
  [{ standard: '2007', function: 'relay-control', done: true }, '9C'],
  [{ standard: '2007', function: 'security', di: '078000FF', data, more: false }, '83 FF 00 80 07 01 02 03'],
  [{ standard: '2007', function: 'security', error: 0x44, errors: ['esam-failed', 'over-hoarding'] }, 'C3 44 00'],
  [{ standard: '1997', function: 'read-data', di: '9010', data, more: false }, '81 10 90 01 02 03'],
  [{ standard: '1997', function: 'read-next', di: '9010', data, more: false }, '82 10 90 01 02 03'],
  [{ standard: '1997', function: 'read-again', error: 1, errors: ['illegal-data'] }, 'C3 01'],
  [{ standard: '1997', function: 'read-data', error: 2, errors: ['no-such-data'] }, 'C1 02'],
];

describe('requests and answers', () => {
  it.each(REQUESTS)('asks %o as %s', (request, hex) => {
    const frame = encodeRequest(ADDRESS, request);
    expect(toHex(Uint8Array.of(frame.control, ...frame.data))).toBe(toHex(fromHex(hex)!));
    expect(decodeRequest(frame)).toEqual(request);
  });

  it('finds the identifier of a password by its level', () => {
    const change = {
      standard: '2007',
      function: 'change-password',
      authority: by1997,
      next: { level: 3, password: '654321' },
    } as const;
    expect(decodeRequest(encodeRequest(ADDRESS, change))).toEqual({ ...change, di: '04000C04' });
  });

  it.each(ANSWERS)('answers %o as %s', (answer, hex) => {
    const frame = encodeAnswer(ADDRESS, answer);
    expect(toHex(Uint8Array.of(frame.control, ...frame.data))).toBe(toHex(fromHex(hex)!));
    expect(decodeAnswer(frame)).toEqual(answer);
  });

  it('has a request for every function of both standards', () => {
    for (const standard of ['2007', '1997'] as const) {
      const covered = REQUESTS.filter(([request]) => request.standard === standard).map(
        ([request]) => request.function,
      );
      for (const { name } of Object.values(FUNCTIONS[standard])) {
        if (standard === '2007' || name !== 'broadcast-time') expect(covered).toContain(name);
      }
    }
  });

  it.each([
    ['a speed with two bits', 0x17, [0x32]],
    ['a write without password', 0x14, [1, 0x0b, 0, 4, 1]],
    ['a follow-on without sequence', 0x12, [0, 0, 1, 0]],
    ['a relay command that is short', 0x1c, [2, 0, 0, 0]],
    ['a time that is none', 0x08, [0x99, 0, 0, 1, 1, 0x26]],
    ['a vendor’s function', 0x00, [1, 2]],
  ])('calls %s malformed', (_, control, bytes) => {
    expect(decodeRequest({ address: ADDRESS, control, data: Uint8Array.from(bytes) })).toHaveProperty('problem');
  });

  it('calls dangerous what changes a meter, and nothing else', () => {
    const names = new Set(
      [...Object.values(FUNCTIONS['2007']), ...Object.values(FUNCTIONS['1997'])].map(({ name }) => name),
    );
    const harmless = [...names].filter((name) => !isDangerous(name)).sort();
    expect(harmless).toEqual([
      'broadcast-time',
      'freeze',
      'read-address',
      'read-again',
      'read-data',
      'read-next',
      'terminal-output',
    ]);
  });

  it('names the bits of errors, several at once', () => {
    expect(errorNames('2007', 0x11, Uint8Array.of(0x06))).toEqual(['no-such-data', 'unauthorised']);
    expect(errorNames('2007', 0x03, Uint8Array.of(0x00, 0x80))).toEqual(['bit-15']);
    expect(errorNames('1997', 0x01, Uint8Array.of(0x01))).toEqual(['illegal-data']);
  });

  it('takes every control byte apart and puts it together', () => {
    for (let control = 0; control < 256; control++) expect(encodeControl(decodeControl(control))).toBe(control);
    expect(decodeControl(0xb1)).toEqual({ direction: 'response', abnormal: false, more: true, code: 0x11 });
  });

  /** Whose data end where the frame ends: the fewest bytes they need. */
  const OPEN: Partial<Record<string, number>> = {
    ...{ '2007 read-data': 4, '1997 read-data': 2, '2007 write-data': 12, '1997 write-data': 6, '2007 security': 8 },
  };

  it.each(REQUESTS)('takes %o with a byte less or more for none', (request) => {
    const frame = encodeRequest(ADDRESS, request);
    const problem = (data: Uint8Array) => decodeRequest({ ...frame, data });
    const fewest = OPEN[`${request.standard} ${request.function}`];
    const short = frame.data.slice(0, (fewest ?? frame.data.length) - 1);
    if (frame.data.length > 0)
      expect(problem(short)).toEqual({ problem: `${request.function} with ${short.length} bytes of data` });
    const long = Uint8Array.of(...frame.data, 0);
    if (fewest === undefined) {
      expect(problem(long)).toEqual({ problem: `${request.function} with ${long.length} bytes of data` });
    } else {
      expect(problem(long)).not.toHaveProperty('problem');
      expect(problem(frame.data.slice(0, fewest))).not.toHaveProperty('problem');
    }
  });

  it.each(ANSWERS)('takes the answer %o cut short for none, where it must hold something', (answer) => {
    const frame = encodeAnswer(ADDRESS, answer);
    const cut = (length: number) => decodeAnswer({ ...frame, data: frame.data.slice(0, length) });
    // Security cut to less than its identifier is read-again of 1997, by the standard's own numbers.
    if ('error' in answer || 'done' in answer || answer.function === 'security') return;
    const id = 'di' in answer ? (answer.standard === '2007' ? 4 : 2) : frame.data.length;
    const least = id + ('sequence' in answer ? 1 : 0);
    expect(cut(least - 1)).toEqual({ problem: `${answer.function} with ${least - 1} bytes of data` });
    expect(cut(least)).not.toHaveProperty('problem');
    if (!('di' in answer)) {
      const data = Uint8Array.of(...frame.data, 0);
      expect(decodeAnswer({ ...frame, data })).toEqual({
        problem: `${answer.function} with ${data.length} bytes of data`,
      });
    }
  });

  it('tells requests from answers, and the standards’ functions from the vendors’', () => {
    const six = { address: ADDRESS, data: new Uint8Array(6) };
    const problem = (what: string) => ({ problem: `control ${what} of the standard` });
    expect(decodeRequest({ ...six, control: 0x91 })).toEqual(problem('91 is no request'));
    expect(decodeRequest({ ...six, control: 0x00 })).toEqual(problem('00 is no request'));
    expect(decodeAnswer({ ...six, control: 0x11 })).toEqual(problem('11 is no answer'));
    expect(decodeAnswer({ ...six, control: 0x80 })).toEqual(problem('80 is no answer'));
  });

  it('reads an error of one byte, of two, and of none', () => {
    const error = (control: number, ...data: number[]) =>
      decodeAnswer({ address: ADDRESS, control, data: Uint8Array.from(data) });
    expect(error(0xd1, 0x06)).toMatchObject({ error: 6, errors: ['no-such-data', 'unauthorised'] });
    expect(error(0xd1)).toEqual({ standard: '2007', function: 'read-data', error: 0, errors: [] });
    expect(error(0xc3, 0x02, 0x01)).toMatchObject({ function: 'security', error: 0x102 });
  });

  it('refuses to send what does not fit its field: that is a mistake of the program', () => {
    const clear = (authority: typeof by) =>
      encodeRequest(ADDRESS, { standard: '2007', function: 'clear-meter', authority });
    expect(() => clear({ ...by, password: '12345678' })).toThrow(new RangeError('8 digits, expected 6'));
    expect(() => clear({ ...by, operator: '01' })).toThrow(new RangeError('2 digits, expected 8'));
    for (const level of [-1, 256, 0.5])
      expect(() => clear({ ...by, level })).toThrow(new RangeError(`no byte: ${level}`));
    expect(clear({ ...by, level: 255 }).data[0]).toBe(255);
    expect(() => encodeRequest(ADDRESS, { standard: '2007', function: 'broadcast-time', time: 'noon' })).toThrow(
      new RangeError('no time: noon'),
    );
    expect(() => encodeRequest(ADDRESS, { standard: '1997', function: 'clear-meter', authority: by })).toThrow(
      new RangeError('clear-meter is not in DL/T 645-1997'),
    );
  });

  it('has words for the commands of a relay, numbers for those of a vendor, and a parameter where there is one', () => {
    const relay = {
      standard: '2007',
      function: 'relay-control',
      authority: { ...by1997, operator: '00000000' },
    } as const;
    const round = (request: Request) => decodeRequest(encodeRequest(ADDRESS, request));
    const own: Request = { ...relay, command: 0x7e, parameter: 5, until: '2026-12-31T00:00:00' };
    expect(round(own)).toEqual(own);
    // Without a time there is none: nulls, as meters that do not look at it are sent.
    const timeless = encodeRequest(ADDRESS, { ...relay, command: 'trip' });
    expect([...timeless.data.slice(10)]).toEqual(new Array(6).fill(0));
    const wrong = { ...timeless, data: timeless.data.map((value, i) => (i === 11 ? 0x9a : value)) };
    expect(decodeRequest(wrong)).toHaveProperty('problem');
    // An operator that nobody named is number 0.
    const { operator: _, ...nobody } = relay.authority;
    expect(encodeRequest(ADDRESS, { ...relay, authority: nobody, command: 'trip' }).data).toEqual(timeless.data);
    const next = { standard: '2007', function: 'read-next', di: '00010000' } as const;
    expect(encodeRequest(ADDRESS, next).data[4]).toBe(1);
    expect(encodeAnswer(ADDRESS, { ...next, data, more: false }).data.at(-1)).toBe(1);
  });
});
