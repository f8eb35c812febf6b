/** `gridwarden decode`: explains DL/T 645 and Modbus RTU bytes, from the command line or hex lines on stdin. */
import { createInterface } from 'node:readline';
import { explain } from '../../protocols/explain.ts';
import { BadInput, print } from './io.ts';

export interface DecodeOptions {
  as?: string;
  profile?: string;
}

export async function decode(hex: string[], options: DecodeOptions): Promise<void> {
  if (options.as !== undefined && options.as !== 'request' && options.as !== 'response') {
    throw new BadInput(`--as: expected request or response, got ${options.as}`);
  }
  const show = (text: string, where: string) => {
    const bytes = parseHex(text, where);
    for (const line of explain(bytes, options as Parameters<typeof explain>[1])) print(line);
  };
  if (hex.length > 0) return show(hex.join(' '), 'argument');
  let number = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    number++;
    if (line.trim() !== '') show(line, `line ${number}`);
  }
}

/** Bytes from hex digits; spaces, commas, colons and 0x are as people paste them. */
function parseHex(text: string, where: string): Uint8Array {
  const digits = text.replace(/0x/gi, '').replace(/[\s,:;-]/g, '');
  const wrong = /[^0-9a-f]/i.exec(digits);
  if (wrong !== null) throw new BadInput(`${where}: "${wrong[0]}" is no hex digit: expected bytes such as 68 AA … 16`);
  if (digits.length % 2 !== 0) throw new BadInput(`${where}: ${digits.length} hex digits: expected two for each byte`);
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
