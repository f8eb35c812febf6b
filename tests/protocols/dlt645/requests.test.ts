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
});
