/** The same messages as they stand in CBOR, in CDDL (RFC 8610). */
import { EVIDENCE, type Field, MESSAGES, WIRE_VERSION } from '../../firmware/uplink/wire-fields.ts';

export function cddl(): string {
  const messages = Object.entries(MESSAGES).map(([name, fields]) => {
    const lines = Object.entries(fields).map(([key, field]: [string, Field]) => {
      const optional = field.optional || field.type === 'version' ? '? ' : '';
      return `  ${optional}${field.key} => ${typeOf(field)}, ; ${key}: ${field.means}`;
    });
    return `${name} = {\n${lines.join('\n')}\n  * uint => any\n}\n`;
  });
  return [
    `; Messages of version ${WIRE_VERSION}. Keys are for ever; a reader skips those it does not know.\n`,
    ...messages,
    'hex48 = bstr .size 6 ; twelve hex digits',
    'bcd48 = bstr .size 6 ; twelve decimal digits',
    'decimal = #6.4([exponent: nint, mantissa: int]) ; RFC 8949, 3.4.4',
    'figure = int / float / decimal / tstr / bool',
    'evidence = { * (uint / tstr) => figure } ; names by position:',
    ...EVIDENCE.map(({ name, words, scale }, key) => {
      const how = words?.join(', ') ?? (scale === undefined ? undefined : `an int counts 1/${scale}`);
      return `;   ${key} ${name}${how === undefined ? '' : `: ${how}`}`;
    }),
    '',
  ].join('\n');
}

function typeOf(field: Field): string {
  switch (field.type) {
    case 'version':
      return String(WIRE_VERSION);
    case 'uint':
    case 'time':
    case 'permille':
      return 'uint';
    case 'before':
      return 'int';
    case 'text':
      return `tstr .size (0..${field.max * 3})`;
    case 'texts':
      return '[* tstr]';
    case 'id':
      return 'hex48 / tstr';
    case 'meter':
      return 'bcd48 / tstr';
    case 'word':
      return `0..${field.words.length - 1}`;
    case 'words':
      return `0..${2 ** field.words.length - 1}`;
    case 'evidence':
      return 'evidence';
    case 'receipts':
      return '[* [uint, hex48 / tstr]]';
    case 'number':
      return 'int / float / decimal';
    case 'flag':
      return 'bool';
    case 'any':
      return 'any';
    default:
      return field satisfies never;
  }
}
