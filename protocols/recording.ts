/**
 * What meters said, as a file: UTF-8 NDJSON, a header and then records in the order of time.
 *
 *   {"recording":1,"timezone":"Asia/Shanghai","meters":[{"id":"000000000001","premises":"flat",…}]}
 *   {"t":1700000000000,"m":"000000000001","r":{"activePowerW":123.4,"voltageV":[229.8]}}
 *   {"t":1700000060000,"m":"000000000001","w":{"rateHz":6400,"phase":1,"voltage":{"scale":0.02,"samples":"<base64 int16 LE>"},…}}
 *   {"t":1700000090000,"m":"000000000001","e":{"event":"power-off"}}
 *
 * `t` is epoch milliseconds UTC. Reading a file from outside never throws: a broken line is a result with its reason.
 */
import { decodeInt16, encodeInt16 } from './base64.ts';
import {
  METER_EVENTS,
  type MeterEvent,
  type MeterInfo,
  PREMISES,
  type Reading,
  type Sample,
  type Waveform,
} from './reading.ts';

export interface RecordingHeader {
  timezone: string;
  meters: MeterInfo[];
}

/** `unknown` names keys that were passed over, as `r.phaseAngle`. */
export type Parsed<T> = { ok: true; value: T; unknown: string[] } | { ok: false; problem: string };

const SCALARS = [
  'activePowerW',
  'reactivePowerVar',
  'neutralCurrentA',
  'residualCurrentA',
  'frequencyHz',
  'importWh',
  'exportWh',
  'balanceYuan',
  'temperatureC',
  'ambientC',
] as const satisfies readonly (keyof Reading)[];
const PER_PHASE = ['voltageV', 'currentA', 'powerFactor', 'currentThd'] as const satisfies readonly (keyof Reading)[];
const RATE_MIN_HZ = 800;
/** The year 2100: a later time is a broken clock, and every minute up to it would be lived through. */
const TIME_MAX_MS = 4_102_444_800_000;
/** Ten seconds at 25.6 kHz: longer snapshots are no snapshots. */
const SAMPLES_MAX = 262_144;

/** The header line without its newline. */
export function encodeHeader(header: RecordingHeader): string {
  return JSON.stringify({ recording: 1, timezone: header.timezone, meters: header.meters });
}

/** Reads the first line. A meter's entry needs an id; keys of the wrong type in it are refused with their name. */
export function parseHeader(line: string): Parsed<RecordingHeader> {
  const json = parseObject(line);
  if (typeof json === 'string') return { ok: false, problem: json };
  if (json.recording !== 1) return { ok: false, problem: 'expected "recording":1 in the first line' };
  if (!isTimezone(json.timezone)) {
    return { ok: false, problem: 'timezone: expected an IANA name such as Asia/Shanghai' };
  }
  if (!Array.isArray(json.meters)) return { ok: false, problem: 'meters: expected a list' };
  const unknown = extra(json, ['recording', 'timezone', 'meters'], '');
  const meters: MeterInfo[] = [];
  const ids = new Set<string>();
  for (const [index, entry] of json.meters.entries()) {
    const problem = meterProblem(entry, unknown);
    if (problem !== undefined) return { ok: false, problem: `meters[${index}].${problem}` };
    const meter = entry as MeterInfo;
    if (ids.has(meter.id)) return { ok: false, problem: `meters[${index}].id: ${meter.id} stands twice` };
    ids.add(meter.id);
    meters.push(meter);
  }
  return { ok: true, value: { timezone: json.timezone, meters }, unknown };
}

/** One record line without its newline; the keys stand in a fixed order, so equal samples give equal bytes. */
export function encodeRecord(sample: Sample): string {
  const head = { t: sample.atMs, m: sample.meter };
  if ('reading' in sample) return JSON.stringify({ ...head, r: sample.reading });
  if ('event' in sample) return JSON.stringify({ ...head, e: { event: sample.event } });
  const { rateHz, phase, voltage, current } = sample.waveform;
  const pack = (part: Waveform['voltage']) => ({ scale: part.scale, samples: encodeInt16(part.samples) });
  return JSON.stringify({ ...head, w: { rateHz, phase, voltage: pack(voltage), current: pack(current) } });
}

/** Reads one record line: a sample for each of `r`, `w` and `e` in it, in this order. */
export function parseRecord(line: string): Parsed<Sample[]> {
  const json = parseObject(line);
  if (typeof json === 'string') return { ok: false, problem: json };
  const { t, m: meter } = json;
  if (!isNumber(t) || t < 0 || t > TIME_MAX_MS) return { ok: false, problem: 't: expected epoch milliseconds' };
  if (typeof meter !== 'string' || meter === '') return { ok: false, problem: "m: expected the meter's id" };
  const atMs = Math.round(t);
  const unknown = extra(json, ['t', 'm', 'r', 'w', 'e'], '');
  const samples: Sample[] = [];
  if (json.r !== undefined) {
    const reading = parseReading(json.r, unknown);
    if (typeof reading === 'string') return { ok: false, problem: reading };
    samples.push({ atMs, meter, reading });
  }
  if (json.w !== undefined) {
    const waveform = parseWaveform(json.w, unknown);
    if (typeof waveform === 'string') return { ok: false, problem: waveform };
    samples.push({ atMs, meter, waveform });
  }
  if (json.e !== undefined) {
    const event = parseEvent(json.e, unknown);
    if (event === undefined) return { ok: false, problem: `e.event: expected one of ${METER_EVENTS.join(', ')}` };
    samples.push({ atMs, meter, event });
  }
  return samples.length === 0
    ? { ok: false, problem: 'expected one of r, w, e' }
    : { ok: true, value: samples, unknown };
}

/** What reading a whole recording came to. */
export interface RecordingCount {
  records: number;
  broken: number;
}

/**
 * Reads a recording line by line and says each thing once: unknown keys in one warning per key, a meter that the header
 * does not name, broken lines with their number (the first hundred; all are counted).
 */
export class RecordingReader {
  readonly count: RecordingCount = { records: 0, broken: 0 };
  header: RecordingHeader | undefined;
  /** Why the first line is no header; nothing is read then. */
  problem: string | undefined;
  readonly #warn: (warning: string) => void;
  readonly #known = new Set<string>();
  #meters: ReadonlySet<string> = new Set();
  #line = 0;

  constructor(warn: (warning: string) => void) {
    this.#warn = warn;
  }

  /** The samples of this line: none for the header, an empty line, a broken one, and all that follow no header. */
  take(line: string): readonly Sample[] {
    this.#line++;
    if (this.problem !== undefined || line.trim() === '') return [];
    if (this.header === undefined) {
      this.#takeHeader(line);
      return [];
    }
    const record = parseRecord(line);
    if (!record.ok) {
      this.count.broken++;
      if (this.count.broken <= 100) this.#warn(`line ${this.#line}: ${record.problem}; skipped`);
      return [];
    }
    this.#note(record.unknown);
    this.count.records++;
    const meter = record.value[0]?.meter ?? '';
    if (!this.#meters.has(meter)) this.#once(`meter ${meter} is not in the header; nothing watches it`);
    return record.value;
  }

  #takeHeader(line: string): void {
    // Editors on Windows put a byte order mark before the first line.
    const parsed = parseHeader(line.replace(/^\uFEFF/, ''));
    if (!parsed.ok) {
      this.problem = `line ${this.#line}: ${parsed.problem}`;
      return;
    }
    this.header = parsed.value;
    this.#meters = new Set(parsed.value.meters.map(({ id }) => id));
    this.#note(parsed.unknown);
  }

  #note(unknown: readonly string[]): void {
    for (const key of unknown) this.#once(`unknown key ${key}; ignored here and further on`);
  }

  #once(warning: string): void {
    if (this.#known.has(warning) || this.#known.size >= 1000) return;
    this.#known.add(warning);
    this.#warn(`line ${this.#line}: ${warning}`);
  }
}

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseObject(line: string): Json | string {
  try {
    const json: unknown = JSON.parse(line);
    return isObject(json) ? json : 'expected a JSON object';
  } catch {
    return 'not JSON';
  }
}

function extra(json: Json, known: readonly string[], prefix: string): string[] {
  return Object.keys(json)
    .filter((key) => !known.includes(key))
    .map((key) => prefix + key);
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isNumbers = (value: unknown): value is number[] => Array.isArray(value) && value.every(isNumber);
const isText = (value: unknown): value is string => typeof value === 'string';

function isTimezone(value: unknown): value is string {
  if (!isText(value)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: value });
    return true;
  } catch {
    return false;
  }
}

/** What each key of a meter's entry must be, as a test and in words. */
const METER_KEYS = {
  id: [(value) => isText(value) && value !== '', 'a text'],
  premises: [(value) => PREMISES.some((name) => name === value), `one of ${PREMISES.join(', ')}`],
  phases: [(value) => value === 1 || value === 3, '1 or 3'],
  phase: [(value) => value === 1 || value === 2 || value === 3, '1, 2 or 3'],
  ratedCurrentA: [isNumber, 'a number'],
  fuseA: [isNumber, 'a number'],
  watch: [(value) => Array.isArray(value) && value.every(isText), 'a list of texts'],
  charging: [(value) => value === 'allowed', '"allowed"'],
  grid: [isText, 'a text'],
  feeder: [isText, 'a text'],
  box: [isText, 'a text'],
  tariff: [(value) => isObject(value) && isNumbers(value.tiersKwhPerMonth), '{"tiersKwhPerMonth":[…]}'],
  contract: [isText, 'a text'],
  ratedKva: [isNumber, 'a number'],
  thermal: [(value) => isObject(value) && Object.values(value).every(isNumber), 'numbers by name'],
} as const satisfies Record<keyof MeterInfo, readonly [(value: unknown) => boolean, string]>;

function meterProblem(entry: unknown, unknown: string[]): string | undefined {
  if (!isObject(entry)) return ' expected an object';
  if (entry.id === undefined) return 'id: missing';
  for (const [key, value] of Object.entries(entry)) {
    if (!Object.hasOwn(METER_KEYS, key)) unknown.push(`meters[].${key}`);
    else {
      const [good, expected] = METER_KEYS[key as keyof MeterInfo];
      if (!good(value)) return `${key}: expected ${expected}`;
    }
  }
  return undefined;
}

function parseReading(json: unknown, unknown: string[]): Reading | string {
  if (!isObject(json)) return 'r: expected an object';
  const reading: Reading = {};
  for (const [key, value] of Object.entries(json)) {
    const scalar = SCALARS.find((name) => name === key);
    const perPhase = PER_PHASE.find((name) => name === key);
    if (scalar !== undefined) {
      if (!isNumber(value)) return `r.${key}: expected a number`;
      reading[scalar] = value;
    } else if (perPhase !== undefined) {
      if (!isNumbers(value) || value.length > 3) return `r.${key}: expected one number per phase`;
      reading[perPhase] = value;
    } else if (key === 'harmonicsA') {
      if (!Array.isArray(value) || value.length > 3 || !value.every(isNumbers)) {
        return 'r.harmonicsA: expected a list of numbers per phase';
      }
      reading.harmonicsA = value;
    } else unknown.push(`r.${key}`);
  }
  return reading;
}

function parseEvent(json: unknown, unknown: string[]): MeterEvent | undefined {
  if (!isObject(json)) return undefined;
  unknown.push(...extra(json, ['event'], 'e.'));
  return METER_EVENTS.find((name) => name === json.event);
}

function parseWaveform(json: unknown, unknown: string[]): Waveform | string {
  if (!isObject(json)) return 'w: expected an object';
  const { rateHz, phase } = json;
  if (!isNumber(rateHz) || rateHz < RATE_MIN_HZ) return `w.rateHz: expected ${RATE_MIN_HZ} Hz or more`;
  if (phase !== 1 && phase !== 2 && phase !== 3) return 'w.phase: expected 1, 2 or 3';
  const voltage = parseSamples(json.voltage);
  const current = parseSamples(json.current);
  if (voltage === undefined) return 'w.voltage: expected scale and base64 int16 samples';
  if (current === undefined) return 'w.current: expected scale and base64 int16 samples';
  if (voltage.samples.length !== current.samples.length) return 'w: voltage and current differ in length';
  unknown.push(...extra(json, ['rateHz', 'phase', 'voltage', 'current'], 'w.'));
  return { rateHz, phase, voltage, current };
}

function parseSamples(json: unknown): Waveform['voltage'] | undefined {
  if (!isObject(json) || !isNumber(json.scale) || !isText(json.samples)) return undefined;
  const samples = decodeInt16(json.samples, SAMPLES_MAX);
  return samples === undefined || samples.length === 0 ? undefined : { scale: json.scale, samples };
}
