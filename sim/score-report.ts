/** A score to read: a table for the terminal, and one HTML file with pictures that needs nothing else. */
import type { Interval, KindScore, Score } from './score.ts';

const percent = (value: number | null): string => (value === null ? '–' : `${(100 * value).toFixed(0)} %`);
const span = (value: Interval | null): string =>
  value === null ? '' : ` (${(100 * value.low).toFixed(0)}–${(100 * value.high).toFixed(0)})`;
const minutes = (value: number | null): string =>
  value === null ? '–' : value >= 180 ? `${(value / 60).toFixed(1)} h` : `${value.toFixed(1)} min`;

const COLUMNS: readonly [string, (it: KindScore) => string][] = [
  ['kind', (it) => it.kind],
  ['happened', (it) => String(it.truths)],
  ['found', (it) => String(it.found)],
  ['alerts', (it) => String(it.alerts)],
  ['precision', (it) => percent(it.precision) + span(it.precision95)],
  ['recall', (it) => percent(it.recall) + span(it.recall95)],
  ['F1', (it) => percent(it.f1) + span(it.f195)],
  ['false/meter-month', (it) => `${it.falsePerMeterMonth.toFixed(3)} (≤ ${it.falsePerMeterMonth95.high.toFixed(3)})`],
  ['delay P50', (it) => minutes(it.delayP50Min)],
  ['delay P90', (it) => minutes(it.delayP90Min)],
  ['Brier', (it) => it.brier?.toFixed(3) ?? '–'],
];

/** One line per kind; 95 % intervals in brackets. */
export function scoreText(score: Score): string {
  const rows = [COLUMNS.map(([name]) => name), ...score.kinds.map((kind) => COLUMNS.map(([, show]) => show(kind)))];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const head = `${score.scenario || 'score'}: ${score.meters} meters, ${score.meterMonths.toFixed(1)} meter-months`;
  return `${[
    head,
    ...rows.map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    ),
  ].join('\n')}\n`;
}

/** The whole report as one file: no script, no address, opens from a disk. */
export function scoreHtml(score: Score): string {
  const table = score.kinds
    .map((kind) => `<tr>${COLUMNS.map(([, show]) => `<td>${escaped(show(kind))}</td>`).join('')}</tr>`)
    .join('\n');
  const wrong = score.decisions
    .filter((it) => !it.right)
    .slice(0, 200)
    .map((it) => {
      const cells = [it.kind, it.meter, new Date(it.at).toISOString(), it.confidence.toFixed(2), it.fooledBy ?? ''];
      return `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`;
    });
  const missed = score.incidents
    .filter((it) => it.foundAt === null)
    .slice(0, 200)
    .map((it) => {
      const cells = [it.kind, it.meters.slice(0, 3).join(' '), new Date(it.from).toISOString(), it.what];
      return `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`;
    });
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Score ${escaped(score.scenario)}</title>
<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .7rem;border-bottom:1px solid #d5d9de;text-align:left}
figure{margin:1.5rem 0}figcaption{color:#4a5361}svg{max-width:100%;height:auto}</style>
<h1>${escaped(score.scenario || 'Score')}</h1>
<p>${score.meters} meters, ${score.meterMonths.toFixed(1)} meter-months,
${new Date(score.from).toISOString()} to ${new Date(score.to).toISOString()}. Brackets and whiskers are 95 % intervals.</p>
<table><tr>${COLUMNS.map(([name]) => `<th>${name}</th>`).join('')}</tr>
${table}</table>
<figure>${sharesSvg(score.kinds)}<figcaption>Precision (dark) and recall (light).</figcaption></figure>
<figure>${timelineSvg(score)}<figcaption>What happened (bars: green found, red missed) and when an alert was decided
(ticks: black true, red false).</figcaption></figure>
<figure>${delaySvg(score.kinds)}<figcaption>Delay from the onset: share of what was found by then.</figcaption></figure>
<figure>${calibrationSvg(score.kinds)}<figcaption>Calibration: of ten alerts at 0.9, nine should be true. The area of a
dot is the number of alerts.</figcaption></figure>
<h2>False alarms</h2><table><tr><th>kind<th>meter<th>decided<th>confidence<th>during</tr>${wrong.join('\n')}</table>
<h2>Missed</h2><table><tr><th>kind<th>meters<th>from<th>what</tr>${missed.join('\n')}</table></html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] ?? c);
}

function sharesSvg(kinds: readonly KindScore[]): string {
  const row = (value: number | null, interval: Interval | null, y: number, fill: string): string => {
    if (value === null) return `<text x="185" y="${y + 9}" fill="#4a5361">–</text>`;
    const whisker =
      interval === null
        ? ''
        : `<path d="M${180 + 500 * interval.low} ${y + 5}H${180 + 500 * interval.high}" stroke="#1b1f24" stroke-width="1.5"/>`;
    return `<rect x="180" y="${y}" width="${(500 * value).toFixed(1)}" height="10" fill="${fill}"/>${whisker}`;
  };
  const bars = kinds.map(
    (it, i) =>
      `<text x="170" y="${i * 36 + 20}" text-anchor="end">${escaped(it.kind)}</text>` +
      row(it.precision, it.precision95, i * 36 + 6, '#2f5d8a') +
      row(it.recall, it.recall95, i * 36 + 18, '#8fb8de'),
  );
  return svg(720, kinds.length * 36 + 10, bars.join(''));
}

function timelineSvg({ kinds, decisions, incidents, from, to }: Score): string {
  const x = (at: number): number => 180 + (500 * (at - from)) / Math.max(1, to - from);
  const rows = kinds.map(({ kind }, i) => {
    const y = i * 30 + 6;
    const bars = incidents
      .filter((it) => it.kind === kind)
      .map((it) => {
        const width = Math.max(2, x(Math.min(to, it.to)) - x(it.from)).toFixed(1);
        return `<rect x="${x(it.from).toFixed(1)}" y="${y}" width="${width}" height="9" fill="${it.foundAt === null ? '#c0392b' : '#3f8f5b'}" fill-opacity=".7"/>`;
      });
    const ticks = decisions
      .filter((it) => it.kind === kind)
      .map(
        (it) =>
          `<path d="M${x(it.at).toFixed(1)} ${y + 11}v9" stroke="${it.right ? '#1b1f24' : '#c0392b'}" stroke-width="1.5"/>`,
      );
    return `<text x="170" y="${y + 13}" text-anchor="end">${escaped(kind)}</text>${bars.join('')}${ticks.join('')}`;
  });
  return svg(720, kinds.length * 30 + 10, rows.join(''));
}

const COLOURS = ['#2f5d8a', '#b8860b', '#3f8f5b', '#8e44ad', '#c0392b', '#16a085', '#555'];

function delaySvg(kinds: readonly KindScore[]): string {
  const shown = kinds.filter((it) => it.delaysMin.length > 0);
  const longest = Math.max(1, ...shown.flatMap((it) => it.delaysMin));
  const x = (delay: number) => 50 + (500 * Math.log10(1 + delay)) / Math.log10(1 + longest);
  const lines = shown.map((it, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const steps = it.delaysMin.map(
      (delay, k) => `H${x(delay).toFixed(1)}V${(210 - (200 * (k + 1)) / it.delaysMin.length).toFixed(1)}`,
    );
    const name = `<text x="570" y="${20 + i * 18}" fill="${colour}">${escaped(it.kind)}</text>`;
    return `<path d="M50 210${steps.join('')}H550" fill="none" stroke="${colour}" stroke-width="2"/>${name}`;
  });
  const marks = [1, 10, 60, 600, 1440, 10_080]
    .filter((mark) => mark <= longest)
    .map((mark) => `<text x="${x(mark).toFixed(0)}" y="228" text-anchor="middle">${minutes(mark)}</text>`);
  return svg(720, 236, `<path d="M50 10V210H550" fill="none" stroke="#4a5361"/>${lines.join('')}${marks.join('')}`);
}

function calibrationSvg(kinds: readonly KindScore[]): string {
  const dots = kinds.flatMap((it, i) =>
    it.calibration.map(({ confidence, share, alerts }) => {
      const radius = Math.min(14, 3 + Math.sqrt(alerts)).toFixed(1);
      const [cx, cy] = [(40 + 220 * confidence).toFixed(1), (240 - 220 * share).toFixed(1)];
      return `<circle cx="${cx}" cy="${cy}" r="${radius}" fill="${COLOURS[i % COLOURS.length]}" fill-opacity=".7"><title>${escaped(it.kind)}: ${alerts}</title></circle>`;
    }),
  );
  const frame = '<path d="M40 20V240H260" fill="none" stroke="#4a5361"/><path d="M40 240L260 20" stroke="#d5d9de"/>';
  return svg(300, 266, `${frame}${dots.join('')}<text x="150" y="260" text-anchor="middle">confidence</text>`);
}

function svg(width: number, height: number, inside: string): string {
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img"`;
  return `${head} font-family="system-ui,sans-serif" font-size="12">${inside}</svg>`;
}
