import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PROFILES, profileNamed } from '../../../protocols/modbus/profiles.ts';
import {
  FIELDS,
  feed,
  type Profile,
  type Row,
  readRow,
  tableOf,
  UNITS,
  WIDTH,
  writeRow,
} from '../../../protocols/modbus/row.ts';
import type { Reading } from '../../../protocols/reading.ts';

const everyRow: { profile: Profile; row: Row }[] = PROFILES.flatMap((profile) =>
  profile.rows.map((row) => ({ profile, row })),
);

/** The largest raw number of integer types that is a value; floats carry what a meter would show. */
const LARGEST = {
  u16: 0xfffe,
  i16: 0x7ffe,
  u32: 0xffff_fffe,
  i32: 0x7fff_fffe,
  f32: 2 ** 20,
  u64: 2 ** 40,
  i64: 2 ** 40,
  f64: 2 ** 40,
};

describe('register maps', () => {
  it('cover at least eight real meters, each found by its name', () => {
    expect(PROFILES.length).toBeGreaterThanOrEqual(8);
    expect(new Set(PROFILES.map((profile) => profile.name)).size).toBe(PROFILES.length);
    for (const profile of PROFILES) expect(profileNamed(profile.name.toUpperCase())).toBe(profile);
    expect(profileNamed('no-such-meter')).toBeUndefined();
  });

  it.each(PROFILES.map((profile) => [profile.name, profile] as const))('%s has no overlapping rows', (_, profile) => {
    const taken = new Map<string, string>();
    for (const row of profile.rows as readonly Row[]) {
      for (let i = 0; i < WIDTH[row.type]; i++) {
        const key = `${tableOf(row, profile)}:${row.address + i}`;
        expect(taken.get(key), `${row.name} at ${key}`).toBeUndefined();
        taken.set(key, row.name);
      }
    }
    expect(new Set(profile.rows.map((row) => row.name)).size).toBe(profile.rows.length);
  });

  it.each(PROFILES.map((profile) => [profile.name, profile] as const))('%s feeds every field once', (_, profile) => {
    const fed = (profile.rows as readonly Row[])
      .filter((row) => row.feeds)
      .map((row) => `${row.feeds}/${row.phase ?? 0}`);
    expect(new Set(fed).size).toBe(fed.length);
  });

  it.each(
    everyRow.map((entry) => [`${entry.profile.name} ${entry.row.name}`, entry] as const),
  )('%s: unit fits its field, value survives the registers', (_, { profile, row }) => {
    if (row.feeds) {
      expect(UNITS[row.unit].base).toBe(FIELDS[row.feeds].base);
      expect(row.phase !== undefined).toBe(FIELDS[row.feeds].perPhase);
    }
    const signed = row.type.startsWith('u') ? 0 : -LARGEST[row.type];
    fc.assert(
      fc.property(fc.integer({ min: signed, max: LARGEST[row.type] }), (raw) => {
        const value = raw * (row.scale ?? 1);
        fc.pre(Math.abs(value) <= UNITS[row.unit].limit);
        const registers = writeRow(row, profile, value);
        expect(registers).toHaveLength(WIDTH[row.type]);
        expect(readRow(row, profile, registers, row.address)).toBeCloseTo(value, 6);
      }),
      { numRuns: 30 },
    );
  });

  it('gives a float as its seven digits, whatever its size', () => {
    const profile = { ...(PROFILES[0] as Profile), words: 'high-first' } as const;
    const row: Row = { name: 'x', address: 0, type: 'f32', unit: 'Wh' };
    const bits = new DataView(new ArrayBuffer(4));
    const check = (value: number) => {
      bits.setFloat32(0, value);
      const expected = Number(bits.getFloat32(0).toPrecision(7));
      fc.pre(Math.abs(expected) <= UNITS.Wh.limit);
      expect(readRow(row, profile, [bits.getUint16(0), bits.getUint16(2)], 0)).toBe(expected);
    };
    const edges = [0, -0, 0.001, 0.01, 0.1, 1, 9.9999995, 99.999995, 0.5, 2.5, 1234567.5, 9999999.5, 1e7, 1e-9];
    for (const edge of edges)
      for (const value of [edge, -edge, edge * (1 + 2 ** -23), edge * (1 - 2 ** -24)]) check(value);
    // Eight digits that end in five: where rounding is in doubt.
    const halves = fc.tuple(fc.integer({ min: 1_000_000, max: 9_999_999 }), fc.integer({ min: -3, max: 9 }));
    fc.assert(
      fc.property(halves, ([digits, power]) => check((digits + 0.5) / 10 ** power)),
      { numRuns: 5_000 },
    );
    fc.assert(fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), check), { numRuns: 5_000 });
  });

  it('orders words as the profile says', () => {
    const row: Row = { name: 'x', address: 7, type: 'u32', unit: '1' };
    const high = { ...(PROFILES[0] as Profile), words: 'high-first' } as const;
    const low = { ...high, words: 'low-first' } as const;
    expect(writeRow(row, high, 5)).toEqual([0, 5]);
    expect(writeRow(row, low, 5)).toEqual([5, 0]);
    expect(readRow(row, low, [9, 5, 0], 6)).toBe(5);
  });

  it('says nothing for a value no meter can mean', () => {
    const sdm630 = profileNamed('sdm630') as Profile;
    const voltage = sdm630.rows[0] as Row;
    expect(readRow(voltage, sdm630, [0x7fc0, 0], 0)).toBeUndefined();
    expect(readRow(voltage, sdm630, [0x7f7f, 0xffff], 0)).toBeUndefined();
  });

  it.each([
    ['u16', [0xffff], [0xfffe]],
    ['i16', [0x8000], [0x8001]],
    ['i16', [0x7fff], [0x7ffe]],
    ['u32', [0xffff, 0xffff], [0xffff, 0xfffe]],
    ['i32', [0x8000, 0x0000], [0x8000, 0x0001]],
    ['i32', [0x7fff, 0xffff], [0xffff, 0xffff]],
    ['u64', [0xffff, 0xffff, 0xffff, 0xffff], [0, 0, 0xffff, 0xffff]],
    ['i64', [0x8000, 0, 0, 0], [0xffff, 0xffff, 0xffff, 0xffff]],
  ] as const)('says nothing for %s %j, which meters send where they have no value', (type, none, value) => {
    const profile = { ...(PROFILES[0] as Profile), words: 'high-first' } as const;
    const row: Row = { name: 'x', address: 0, type, unit: 'Wh' };
    expect(readRow(row, profile, none, 0)).toBeUndefined();
    expect(readRow(row, profile, value, 0)).toBeDefined();
  });

  it('brings units and outside transformers into the reading', () => {
    const adl3000 = profileNamed('adl3000') as Profile;
    const rowNamed = (name: string): Row => adl3000.rows.find((row) => row.name === name) as Row;
    const reading: Reading = {};
    feed(reading, rowNamed('active-power'), adl3000, 1.5, { currentRatio: 20 });
    feed(reading, rowNamed('current-l2'), adl3000, 2, { currentRatio: 20 });
    feed(reading, rowNamed('voltage-l1'), adl3000, 230, { currentRatio: 20 });
    feed(reading, rowNamed('import-energy'), adl3000, 3, { currentRatio: 20, voltageRatio: 100 });
    expect(reading.activePowerW).toBe(30_000);
    expect(reading.currentA?.[1]).toBe(40);
    expect(reading.voltageV?.[0]).toBe(230);
    expect(reading.importWh).toBe(6_000_000);
  });
});
