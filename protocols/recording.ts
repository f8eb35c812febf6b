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
import { METER_EVENTS, type MeterInfo, PREMISES, type Reading, type Sample, type Waveform } from './reading.ts';

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
  if (typeof json.timezone !== 'string') return { ok: false, problem: 'timezone: expected an IANA name' };
  if (!Array.isArray(json.meters)) return { ok: false, problem: 'meters: expected a list' };
  const unknown = extra(json, ['recording', 'timezone', 'meters'], '');
  const meters: MeterInfo[] = [];
  for (const [index, entry] of json.meters.entries()) {
    const problem = meterProblem(entry, unknown);
    if (problem !== undefined) return { ok: false, problem: `meters[${index}].${problem}` };
    meters.push(entry as MeterInfo);
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

/** Reads one record line. One line says one thing; of several, the reading, then the waveform, then the event counts. */
export function parseRecord(line: string): Parsed<Sample> {
  const json = parseObject(line);
  if (typeof json === 'string') return { ok: false, problem: json };
  const { t: atMs, m: meter } = json;
  if (typeof atMs !== 'number' || !Number.isFinite(atMs)) {
    return { ok: false, problem: 't: expected epoch milliseconds' };
  }
  if (typeof meter !== 'string' || meter === '') return { ok: false, problem: "m: expected the meter's id" };
  const unknown = extra(json, ['t', 'm', 'r', 'w', 'e'], '');
  if (json.r !== undefined) {
    const reading = parseReading(json.r, unknown);
    return typeof reading === 'string'
      ? { ok: false, problem: reading }
      : { ok: true, value: { atMs, meter, reading }, unknown };
  }
  if (json.w !== undefined) {
    const waveform = parseWaveform(json.w, unknown);
    return typeof waveform === 'string'
      ? { ok: false, problem: waveform }
      : { ok: true, value: { atMs, meter, waveform }, unknown };
  }
  if (!isObject(json.e)) return { ok: false, problem: 'expected one of r, w, e' };
  const event = METER_EVENTS.find((name) => name === (json.e as Record<string, unknown>).event);
  if (event === undefined) return { ok: false, problem: `e.event: expected one of ${METER_EVENTS.join(', ')}` };
  unknown.push(...extra(json.e, ['event'], 'e.'));
  return { ok: true, value: { atMs, meter, event }, unknown };
}

/** What reading a whole recording came to. */
export interface RecordingCount {
  records: number;
  broken: number;
}

/**
 * Reads a recording line by line and says each thing once: unknown keys in one warning per key, broken lines with
 * their number (the first hundred; all are counted).
 */
export class RecordingReader {
  readonly count: RecordingCount = { records: 0, broken: 0 };
  header: RecordingHeader | undefined;
  readonly #warn: (warning: string) => void;
  readonly #known = new Set<string>();
  #line = 0;

  constructor(warn: (warning: string) => void) {
    this.#warn = warn;
  }

  /** The sample of this line, or undefined for the header, an empty line and a broken one. */
  take(line: string): Sample | undefined {
    this.#line++;
    if (line.trim() === '') return undefined;
    if (this.header === undefined) {
      const header = parseHeader(line);
      if (header.ok) this.header = header.value;
      this.#note(header);
      return undefined;
    }
    const record = parseRecord(line);
    this.#note(record);
    if (!record.ok) return undefined;
    this.count.records++;
    return record.value;
  }

  #note(parsed: Parsed<unknown>): void {
    if (!parsed.ok) {
      this.count.broken++;
      if (this.count.broken <= 100) this.#warn(`line ${this.#line}: ${parsed.problem}; skipped`);
      return;
    }
    for (const key of parsed.unknown) {
      if (this.#known.has(key) || this.#known.size >= 1000) continue;
      this.#known.add(key);
      this.#warn(`line ${this.#line}: unknown key ${key}; ignored here and further on`);
    }
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

/** What each key of a meter's entry must be. */
const METER_KEYS = {
  id: (value) => isText(value) && value !== '',
  premises: (value) => PREMISES.some((name) => name === value),
  phases: (value) => value === 1 || value === 3,
  phase: (value) => value === 1 || value === 2 || value === 3,
  ratedCurrentA: isNumber,
  fuseA: isNumber,
  watch: (value) => Array.isArray(value) && value.every(isText),
  charging: (value) => value === 'allowed',
  grid: isText,
  feeder: isText,
  box: isText,
  tariff: (value) => isObject(value) && isNumbers(value.tiersKwhPerMonth),
  contract: isText,
  ratedKva: isNumber,
  thermal: (value) => isObject(value) && Object.values(value).every(isNumber),
} as const satisfies Record<keyof MeterInfo, (value: unknown) => boolean>;

function meterProblem(entry: unknown, unknown: string[]): string | undefined {
  if (!isObject(entry)) return ' expected an object';
  if (entry.id === undefined) return 'id: missing';
  for (const [key, value] of Object.entries(entry)) {
    if (!Object.hasOwn(METER_KEYS, key)) unknown.push(`meters[].${key}`);
    else if (!METER_KEYS[key as keyof MeterInfo](value)) return `${key}: not as the format says`;
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
