/** Pictures: the load curve, the waveform and its harmonics, drawn with uPlot. */
import uPlot from './uPlot.js';

const WIDTH_MAX = 900;
const HARMONICS = 15;

export interface Wave {
  rateHz: number;
  voltageV: number[];
  currentA: number[];
  /** One cycle of what was switched on, from the voltage's rising zero crossing. */
  differentialA?: number[];
}

function chart(host: HTMLElement, data: number[][], series: object[], axes: object[], x: object): void {
  const ink = getComputedStyle(document.body).color;
  const themed = axes.map((axis) => ({ stroke: ink, grid: { stroke: '#8884' }, ...axis }));
  const width = Math.min(WIDTH_MAX, Math.max(260, host.clientWidth - 24));
  new uPlot({ width, height: 200, series: [{}, ...series], axes: themed, scales: { x } }, data, host);
}

export function loadCurve(host: HTMLElement, points: [number, number][]): void {
  const data = [points.map(([atMs]) => atMs / 1000), points.map(([, powerW]) => powerW)];
  chart(host, data, [{ label: 'W', stroke: '#0b8a78', fill: '#0b8a7822' }], [{}, { size: 60 }], { time: true });
}

export function waveform(host: HTMLElement, wave: Wave): void {
  const data = [wave.currentA.map((_, i) => (i * 1000) / wave.rateHz), wave.voltageV, wave.currentA];
  const series = [
    { label: 'V', stroke: '#8886', scale: 'V' },
    { label: 'A', stroke: '#c2410c', scale: 'A' },
  ];
  chart(
    host,
    data,
    series,
    [
      { values: (_: unknown, marks: number[]) => marks.map((ms) => `${ms} ms`) },
      { scale: 'V' },
      { scale: 'A', side: 1 },
    ],
    { time: false },
  );
}

/** The cycle of the load that was switched on, over the degrees of the voltage. */
export function differential(host: HTMLElement, cycle: number[]): void {
  const degrees = cycle.map((_, i) => (360 * i) / cycle.length);
  const axes = [{ values: (_: unknown, marks: number[]) => marks.map((mark) => `${mark}°`) }, {}];
  chart(host, [degrees, cycle], [{ label: 'A', stroke: '#c2410c', fill: '#c2410c22' }], axes, { time: false });
}

/** Of the load that was switched on where it is known, else of the whole current. */
export function harmonics(host: HTMLElement, wave: Wave): void {
  const { differentialA: cycle } = wave;
  const orders = Array.from({ length: HARMONICS }, (_, i) => i + 1);
  // One cycle is at 1 Hz what it takes one second to run through.
  drawHarmonics(host, cycle ? orders.map((order) => amplitude(cycle, cycle.length, order)) : amplitudes(wave));
}

function drawHarmonics(host: HTMLElement, amps: number[]): void {
  const base = amps[0] || 1;
  const orders = amps.map((_, i) => i + 1);
  const bars = uPlot.paths.bars({ size: [0.6, 40] });
  chart(
    host,
    [orders, amps.map((a) => a / base)],
    [{ label: 'I(h)/I(1)', stroke: '#0b8a78', fill: '#0b8a7899', paths: bars, points: { show: false } }],
    [{}, {}],
    // Room for half a bar at both ends.
    { time: false, range: [0.4, HARMONICS + 0.6] },
  );
}

/** Amplitudes of the first fifteen harmonics over whole cycles; 50 or 60 Hz, whichever the voltage has more of. */
function amplitudes({ rateHz, voltageV, currentA }: Wave): number[] {
  const baseHz = amplitude(voltageV, rateHz, 50) >= amplitude(voltageV, rateHz, 60) ? 50 : 60;
  const samples = Math.floor(Math.floor((currentA.length * baseHz) / rateHz) * (rateHz / baseHz));
  const whole = currentA.slice(0, Math.max(1, samples));
  return Array.from({ length: HARMONICS }, (_, i) => amplitude(whole, rateHz, baseHz * (i + 1)));
}

function amplitude(samples: number[], rateHz: number, hz: number): number {
  let re = 0;
  let im = 0;
  samples.forEach((sample, i) => {
    const angle = (2 * Math.PI * hz * i) / rateHz;
    re += sample * Math.cos(angle);
    im += sample * Math.sin(angle);
  });
  return (2 * Math.hypot(re, im)) / samples.length;
}
