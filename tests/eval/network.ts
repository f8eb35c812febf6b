/** `npm run eval -- network`: reference cases, oracles, forecasts and cost of the network's detectors. */
import { costFigures } from './support/network-cost.ts';
import { type Figure, referenceCases } from './support/network-data.ts';
import { feederFigures, transformerFigures } from './support/network-forecast.ts';
import { oracleFigures } from './support/network-oracle.ts';
import { invarianceFigures, referenceFigures } from './support/network-reference.ts';

/** Prints one line a figure; `json` one object at the end instead. Figures that are missed are printed as missed. */
export async function run(options: { json: boolean }): Promise<void> {
  const all: Record<string, Figure[]> = {};
  const section = (title: string, figures: Figure[], needs?: string): void => {
    all[title] = figures;
    if (options.json) return;
    console.log(`\n${title}`);
    if (figures.length === 0) console.log(`  skipped: needs ../shared/data/households/${needs}`);
    for (const figure of figures) console.log(line(figure));
  };
  const cases = referenceCases();
  section('Reference cases', cases === undefined ? [] : referenceFigures(cases), 'standards_reference_cases.json');
  section('Recursive, closed, fine and coarse', invarianceFigures());
  section('Heavy and overload', oracleFigures());
  section('Forecast on feeders', feederFigures(), 'swiss269_15min_kwh.csv.gz');
  section('Forecast on a transformer', transformerFigures(), 'ETTm1.csv.gz');
  section('Cost', costFigures());
  if (options.json) console.log(JSON.stringify(all));
}

function line(figure: Figure): string {
  const mark = figure.met === null ? ' ' : figure.met ? '✓' : '✗';
  const value =
    Math.abs(figure.value) < 1e-3 && figure.value !== 0 ? figure.value.toExponential(1) : figure.value.toFixed(4);
  const note = figure.note === undefined ? '' : `  (${figure.note})`;
  return `  ${mark} ${figure.name.padEnd(78)} ${value.padStart(10)}  ${figure.wanted}${note}`;
}
