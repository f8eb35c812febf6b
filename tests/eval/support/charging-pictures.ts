/** Pictures for a person: differential cycles of hits and misses, and one session with its decisions marked. */
import type { Alert } from '../../../detectors/alert.ts';
import type { Shape } from '../../../detectors/charging/shape.ts';

const WIDTH = 360;
const HEIGHT = 150;

function polyline(values: ArrayLike<number>, colour: string, low: number, high: number): string {
  const points = Array.from(values, (value, k) => {
    const x = (k / Math.max(1, values.length - 1)) * WIDTH;
    const y = HEIGHT - ((value - low) / Math.max(1e-9, high - low)) * HEIGHT;
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
}

const svg = (inside: string) =>
  `<svg viewBox="-4 -4 ${WIDTH + 8} ${HEIGHT + 22}" width="${WIDTH}" xmlns="http://www.w3.org/2000/svg" font-size="11" font-family="sans-serif">${inside}</svg>`;

export interface EventPicture {
  title: string;
  /** Differential cycle in amperes. */
  cycle: Float64Array;
  shape: Shape;
}

/** A cycle above its harmonics. */
export function eventPicture({ title, cycle, shape }: EventPicture): string {
  const peak = Math.max(...Array.from(cycle, Math.abs));
  const bars = [1, shape.a3, shape.a5, shape.a7, shape.a9].map((ratio, k) => {
    const height = Math.min(1.2, ratio) * 60;
    return `<rect x="${20 + k * 60}" y="${80 - height}" width="34" height="${height}" fill="#4a7fb5"/><text x="${26 + k * 60}" y="94">I${2 * k + 1}</text>`;
  });
  const zero = `<line x1="0" x2="${WIDTH}" y1="${HEIGHT / 2}" y2="${HEIGHT / 2}" stroke="#ccc"/>`;
  const label = `<text x="2" y="${HEIGHT + 14}">peak ${peak.toFixed(2)} A, displacement PF ${shape.displacementPf.toFixed(2)}, ${shape.conductionDeg.toFixed(0)}° of 180° conducting</text>`;
  return `<figure><figcaption>${title}</figcaption>${svg(zero + polyline(cycle, '#b5482f', -peak, peak) + label)}${svg(bars.join(''))}</figure>`;
}

/** Power over time with every alert at its moment. */
export function sessionPicture(
  title: string,
  powerW: readonly number[],
  alerts: readonly Alert[],
  startMs: number,
): string {
  const high = Math.max(...powerW, 1);
  const marks = alerts.map((alert, k) => {
    const x = ((alert.at - startMs) / 60_000 / powerW.length) * WIDTH;
    const name = alert.state === 'cleared' ? 'cleared' : String(alert.evidence.stage);
    return `<line x1="${x}" x2="${x}" y1="0" y2="${HEIGHT}" stroke="#555" stroke-dasharray="3 3"/><text x="${x + 3}" y="${12 + 14 * k}">${name}</text>`;
  });
  const axis = `<text x="2" y="${HEIGHT + 14}">0 to ${powerW.length} min, 0 to ${high.toFixed(0)} W</text>`;
  return `<figure><figcaption>${title}</figcaption>${svg(polyline(powerW, '#4a7fb5', 0, high) + marks.join('') + axis)}</figure>`;
}

/** A page of figures. */
export function page(title: string, sections: readonly { heading: string; figures: readonly string[] }[]): string {
  const body = sections.map(({ heading, figures }) => `<h2>${heading}</h2><div>${figures.join('')}</div>`).join('');
  return `<!doctype html><meta charset="utf-8"><title>${title}</title><style>body{font:14px sans-serif;margin:2em}div{display:flex;flex-wrap:wrap;gap:1.5em}figure{margin:0}svg{display:block}</style><h1>${title}</h1>${body}\n`;
}
