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

/** @throws Error with the line number of a line that is no truth */
export function parseTruth(text: string): { header?: TruthHeader; truths: Truth[] } {
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
