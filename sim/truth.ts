/** What really happened, beside the bytes: one line each, for `score` to hold the alerts against. NDJSON. */

export interface Truth {
  meter: string;
  /** The kind of alert it should give, or `none`: something that must give no alert (a holiday, a fridge). */
  kind: string;
  /** Epoch milliseconds UTC. */
  from: number;
  to: number;
  /** In words, for the report. */
  what: string;
}

/** The head of a truth file: how much was watched, so that false alarms have a denominator. */
export interface TruthHeader {
  truth: 1;
  scenario: string;
  meters: number;
  from: number;
  to: number;
}

export function encodeTruth(header: TruthHeader, truths: readonly Truth[]): string {
  return `${[header, ...truths].map((line) => JSON.stringify(line)).join('\n')}\n`;
}

/** What a truth file says. */
export interface Told {
  header?: TruthHeader;
  truths: Truth[];
}

/** What of it happened to these meters in this time; what overlaps the time is cut to it. */
export function within({ header, truths }: Told, seen: { meters: readonly string[]; from: number; to: number }): Told {
  const [from, to] = [Math.max(header?.from ?? seen.from, seen.from), Math.min(header?.to ?? seen.to, seen.to)];
  const meters = new Set(seen.meters);
  return {
    header: { truth: 1, scenario: header?.scenario ?? '', meters: meters.size, from, to },
    truths: truths
      .filter((truth) => meters.has(truth.meter) && truth.from <= to && truth.to >= from)
      .map((truth) => ({ ...truth, from: Math.max(truth.from, from), to: Math.min(truth.to, to) })),
  };
}

/** @throws Error with the line number of a line that is no truth */
export function parseTruth(text: string): Told {
  const truths: Truth[] = [];
  let header: TruthHeader | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const json: unknown = parseJson(line);
    if (isHeader(json)) header = json;
    else if (isTruth(json)) truths.push(json);
    else throw new Error(`line ${index + 1}: expected {"meter","kind","from","to"}`);
  }
  return header === undefined ? { truths } : { header, truths };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const has = (json: unknown, key: string, type: string): boolean =>
  typeof json === 'object' && json !== null && typeof (json as Record<string, unknown>)[key] === type;

function isHeader(json: unknown): json is TruthHeader {
  return has(json, 'truth', 'number') && has(json, 'meters', 'number') && has(json, 'from', 'number');
}

function isTruth(json: unknown): json is Truth {
  return (
    has(json, 'meter', 'string') &&
    has(json, 'kind', 'string') &&
    has(json, 'from', 'number') &&
    has(json, 'to', 'number')
  );
}
