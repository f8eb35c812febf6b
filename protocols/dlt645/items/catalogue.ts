/** The rows of all groups as items: found by identifier or by name, or listed. */
import type { Standard } from '../control.ts';
import { DEMAND } from './demand.ts';
import { ENERGY } from './energy.ts';
import { EVENTS } from './events.ts';
import { EXTENSIONS } from './extensions.ts';
import { FREEZE } from './freeze.ts';
import { INSTANTANEOUS } from './instantaneous.ts';
import { ITEMS_1997 } from './items-1997.ts';
import { LOAD_PROFILE } from './load-profile.ts';
import { PARAMETERS } from './parameters.ts';
import { AXES, type Axis, type Field, type Row } from './row.ts';
import { STATUS_WORDS } from './status-words.ts';

export interface Item {
  standard: Standard;
  /** Eight hex digits, four in 1997, as printed. */
  di: string;
  nameEn: string;
  nameZh: string;
  /** One unit of what is sent; empty for an item with `parts`. */
  fields: readonly Field[];
  /** The last field is first on the wire. */
  lastFirst: boolean;
  /** A block: the unit again for each of these, as many as the meter has. */
  members?: readonly Name[];
  /** A block of other items. */
  parts?: readonly Item[];
}

interface Name {
  en: string;
  zh: string;
}

export const ROWS: Record<Standard, readonly Row[]> = {
  '2007': [
    ...ENERGY,
    ...DEMAND,
    ...INSTANTANEOUS,
    ...EVENTS,
    ...PARAMETERS,
    ...STATUS_WORDS,
    ...FREEZE,
    ...LOAD_PROFILE,
    ...EXTENSIONS,
  ],
  '1997': ITEMS_1997,
};

/** Where an axis stands in a row's identifier. */
interface Place {
  token: string;
  at: number;
  axis: Axis;
}
/** For each axis of an identifier its number, or `block`. */
type Indexes = ReadonlyMap<string, number | 'block'>;

interface Pattern {
  standard: Standard;
  row: Row;
  places: readonly Place[];
  /** Of what stands fixed in the identifier. */
  matches: RegExp;
}

const PATTERNS: readonly Pattern[] = [
  ...ROWS['2007'].map((row) => compile('2007', row)),
  ...ROWS['1997'].map((row) => compile('1997', row)),
];
const BY_HEAD = Map.groupBy(PATTERNS, ({ standard, row }) => standard + row.di.slice(0, 2).replace(/[G-Z].*/, ''));

/** The item of an identifier (`00010000`, 1997 `9010`, either case), or undefined where the catalogue has none. */
export function findItem(standard: Standard, di: string): Item | undefined {
  const digits = di.toUpperCase();
  for (const pattern of BY_HEAD.get(standard + digits.slice(0, 2)) ?? []) {
    if (!pattern.matches.test(digits)) continue;
    const indexes = indexesOf(pattern.places, digits);
    if (indexes !== undefined) return resolve(pattern, indexes, digits);
  }
  return undefined;
}

/** The item of a name, English or Chinese; blanks, dashes and case do not matter (`voltage-l1`). */
export function findItemByName(standard: Standard, name: string): Item | undefined {
  const wanted = plain(name);
  for (const item of allItems(standard)) {
    if (plain(item.nameEn) === wanted || plain(item.nameZh) === wanted) return item;
  }
  return undefined;
}

/** Every item of a standard, blocks included. */
export function* allItems(standard: Standard): Generator<Item> {
  for (const pattern of PATTERNS) if (pattern.standard === standard) yield* expand(pattern, 0, new Map());
}

function* expand(pattern: Pattern, depth: number, indexes: Indexes): Generator<Item> {
  const place = pattern.places[depth];
  if (place === undefined) {
    yield resolve(pattern, indexes, identifier(pattern.row.di, indexes));
    return;
  }
  const hasBlock = [...indexes.values()].includes('block');
  for (let i = place.axis.from; i <= place.axis.to; i++) {
    yield* expand(pattern, depth + 1, new Map(indexes).set(place.token, i));
  }
  if (place.axis.block && !hasBlock) yield* expand(pattern, depth + 1, new Map(indexes).set(place.token, 'block'));
}

function compile(standard: Standard, row: Row): Pattern {
  const places = [...row.di.matchAll(/([G-Z])\1*/g)].map((match) => ({
    token: match[0],
    at: match.index,
    axis: axisOf(match[0]),
  }));
  return { standard, row, places, matches: new RegExp(`^${row.di.replace(/[G-Z]/g, '[0-9A-F]')}$`) };
}

function axisOf(token: string): Axis {
  const axes: Record<string, Axis> = AXES;
  const axis = axes[token];
  if (axis === undefined) throw new RangeError(`no axis ${token}`);
  return axis;
}

/** Undefined when a number is out of its axis or two axes ask for a block. */
function indexesOf(places: readonly Place[], digits: string): Indexes | undefined {
  const indexes = new Map<string, number | 'block'>();
  let blocks = 0;
  for (const { token, at, axis } of places) {
    const text = digits.slice(at, at + token.length);
    const index = Number.parseInt(text, 16);
    if (axis.block && /^F+$/.test(text)) {
      indexes.set(token, 'block');
      blocks++;
    } else if (index >= axis.from && index <= axis.to) indexes.set(token, index);
    else return undefined;
  }
  return blocks > 1 ? undefined : indexes;
}

function resolve(pattern: Pattern, indexes: Indexes, di: string): Item {
  const { standard, row } = pattern;
  const isBlock = [...indexes.values()].includes('block');
  const name = nameOf(row, indexes);
  const item: Item = {
    standard,
    di,
    nameEn: isBlock ? `${name.en} block` : name.en,
    nameZh: isBlock ? `${name.zh}数据块` : name.zh,
    fields: fieldsOf(row, name),
    lastFirst: 'lastFirst' in row && row.lastFirst === true,
  };
  const members = membersOf(row, indexes);
  if (members !== undefined) item.members = members;
  if ('parts' in row) item.parts = partsOf(standard, row.parts, indexes);
  return item;
}

function fieldsOf(row: Row, name: Name): readonly Field[] {
  if ('parts' in row) return [];
  if ('fields' in row) return row.fields;
  const { unit, format, signed, bits } = row;
  return [{ ...name, unit, format, ...(signed ? { signed } : {}), ...(bits ? { bits } : {}) }];
}

/** The names of what a block repeats: the row's own, once for each number of the axis. */
function membersOf(row: Row, indexes: Indexes): Name[] | undefined {
  for (const [token, index] of indexes) {
    if (index === 'block') return range(axisOf(token), (i) => nameOf(row, new Map(indexes).set(token, i)));
  }
  if (row.repeat === undefined) return undefined;
  const name = nameOf(row, indexes);
  const axis = axisOf(row.repeat);
  return range(axis, (i) => ({ en: `${name.en} ${axis.en(i)}`, zh: `${name.zh}${axis.zh(i)}` }));
}

function range<T>(axis: Axis, of: (index: number) => T): T[] {
  return Array.from({ length: axis.to - axis.from + 1 }, (_, i) => of(axis.from + i));
}

function partsOf(standard: Standard, parts: readonly string[], indexes: Indexes): Item[] {
  return parts.map((part) => {
    const di = identifier(part, indexes);
    const item = findItem(standard, di);
    if (item === undefined) throw new RangeError(`no item ${di} for a block`);
    return item;
  });
}

/** A block's own place in a name stays empty. */
function nameOf(row: Row, indexes: Indexes): Name {
  const fill = (text: string, language: 'en' | 'zh') =>
    text
      .replace(/\{([A-Z]+)\}/g, (_, token: string) => {
        const index = indexes.get(token);
        return typeof index === 'number' ? axisOf(token)[language](index) : '';
      })
      .replace(/ +(?=[ ,]|$)/g, '');
  return { en: fill(row.en, 'en'), zh: fill(row.zh, 'zh') };
}

function identifier(di: string, indexes: Indexes): string {
  return di.replace(/([G-Z])\1*/g, (token) => {
    const index = indexes.get(token);
    return typeof index === 'number'
      ? index.toString(16).toUpperCase().padStart(token.length, '0')
      : 'F'.repeat(token.length);
  });
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[\s,_-]+/g, '');
}
