/**
 * Which registers to read together. A request costs its own bytes, two silences and the meter's delay; a hole costs two
 * bytes a register. Neighbours are merged while the hole is the cheaper of the two, at most 125 registers at a time.
 */
import { MAX_REGISTERS } from './frame.ts';
import { type Profile, type Row, type Table, tableOf, WIDTH } from './row.ts';

/** Registers read by one request, with the rows they hold. */
export interface Span {
  table: Table;
  address: number;
  count: number;
  rows: readonly Row[];
}

/**
 * What a further request costs, in bytes of wire time: 8 + 5 bytes of frame, two silences of 3.5 characters, and a
 * meter's usual 20 ms, which is 17 characters at 9600 baud with parity.
 */
export const REQUEST_COST_BYTES = 37;

/** The cheapest spans that cover `rows`; exact, by dynamic programming over the rows in address order. */
export function planReads(profile: Profile, rows: readonly Row[], requestCostBytes = REQUEST_COST_BYTES): Span[] {
  return (['holding', 'input'] as const).flatMap((table) => {
    const own = rows.filter((row) => tableOf(row, profile) === table).sort((a, b) => a.address - b.address);
    return cheapest(table, own, requestCostBytes);
  });
}

function cheapest(table: Table, rows: readonly Row[], requestCostBytes: number): Span[] {
  // best[n]: the cheapest way to read the first n rows, and where its last span begins.
  const best: { cost: number; from: number }[] = [{ cost: 0, from: 0 }];
  for (let end = 1; end <= rows.length; end++) {
    let choice = { cost: Number.POSITIVE_INFINITY, from: end - 1 };
    for (let from = end - 1; from >= 0; from--) {
      const { count } = spanOver(table, rows.slice(from, end));
      if (count > MAX_REGISTERS) break;
      const cost = best[from]!.cost + requestCostBytes + 2 * count;
      if (cost < choice.cost) choice = { cost, from };
    }
    best.push(choice);
  }
  const spans: Span[] = [];
  for (let end = rows.length; end > 0; end = best[end]!.from)
    spans.unshift(spanOver(table, rows.slice(best[end]!.from, end)));
  return spans;
}

function spanOver(table: Table, rows: readonly Row[]): Span {
  const address = rows[0]!.address;
  const end = Math.max(...rows.map((row) => row.address + WIDTH[row.type]));
  return { table, address, count: end - address, rows };
}

/**
 * What to try instead of a span that the meter refused as an illegal address: the runs between its holes, or, where it
 * has none, every row by itself; nothing for a single row, which the meter then does not have.
 */
export function splitSpan(span: Span): Span[] {
  if (span.rows.length <= 1) return [];
  const runs: Row[][] = [];
  let end = Number.NaN;
  for (const row of span.rows) {
    if (row.address === end) runs.at(-1)!.push(row);
    else runs.push([row]);
    end = row.address + WIDTH[row.type];
  }
  const parts = runs.length > 1 ? runs : span.rows.map((row) => [row]);
  return parts.map((rows) => spanOver(span.table, rows));
}
