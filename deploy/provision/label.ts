/** The label on the box: the gateway's name, the page's address and password, and the same as a QR code. */
import { create, toString as qrToString } from 'qrcode';
import type { Labelled } from './files.ts';

/** Width and height of a common label, in millimetres. */
const [WIDTH, HEIGHT] = [62, 29];
const QR_MM = 25;
const QUIET = 4;

export interface Label {
  text: string;
  svg: string;
}

export async function makeLabel(labelled: Labelled): Promise<Label> {
  const lines = linesOf(labelled);
  const content = lines.join('\n');
  const qr = await qrToString(content, { type: 'utf8', errorCorrectionLevel: 'M' });
  return { text: `${content}\n\n${qr}\n`, svg: svgOf(lines, content) };
}

function linesOf({ id, url, password, fingerprint }: Labelled): string[] {
  return [id, url, password, fingerprint.replaceAll(':', '').slice(0, 32)];
}

function svgOf(lines: readonly string[], content: string): string {
  const { modules } = create(content, { errorCorrectionLevel: 'M' });
  const size = modules.size + 2 * QUIET;
  const squares: string[] = [];
  for (let y = 0; y < modules.size; y++)
    for (let x = 0; x < modules.size; x++) if (modules.get(y, x)) squares.push(`M${x + QUIET} ${y + QUIET}h1v1h-1z`);
  const sizesMm = [4, 2.6, 3.4, 1.6];
  const texts = lines.map((line, n) => {
    const y = 7 + n * 5.5;
    return `<text x="29" y="${y}" font-family="monospace" font-size="${sizesMm[n] ?? 2}" textLength="${line.length > 24 ? 31 : ''}">${escaped(line)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}mm" height="${HEIGHT}mm" viewBox="0 0 ${WIDTH} ${HEIGHT}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<svg x="2" y="2" width="${QR_MM}" height="${QR_MM}" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges"><path d="${squares.join('')}"/></svg>`,
    ...texts.map((text) => text.replace(' textLength=""', '')),
    '</svg>',
    '',
  ].join('\n');
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
